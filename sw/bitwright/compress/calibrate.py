"""Which values each tensor of the float graph takes on sample inputs."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from bitwright.compress.methods.calibration import (
    Divergence,
    Histogram,
    Range,
    count,
    divergence_range,
    minmax_range,
    mse_range,
    percentile_range,
)
from bitwright.compress.methods.calibration.histogram import BINS
from bitwright.importers.execute import taps
from bitwright.importers.graph import FloatGraph

Samples: TypeAlias = (
    NDArray[np.float32] | torch.Tensor | Sequence[NDArray[np.float32]] | Sequence[torch.Tensor]
)
"""Inputs (N, ...), or a sequence of such batches."""

_BATCH = 128


class Observer(StrEnum):
    """How the values seen become a range; a module of `methods.calibration` each."""

    MINMAX = "minmax"
    """From the least to the greatest."""
    PERCENTILE = "percentile"
    """Rare extremes are left out, and saturate."""
    MSE = "mse"
    """The least mean squared error."""
    KL = "kl"
    """The least symmetric Kullback-Leibler divergence between histograms."""
    JS = "js"
    """The least Jensen-Shannon divergence between histograms."""


def calibrate(
    graph: FloatGraph,
    samples: Samples,
    *,
    observer: Observer | str = Observer.MINMAX,
    percentile: float = 99.99,
    bits: int = 8,
    symmetric: bool = True,
) -> dict[str, Range]:
    """The range of every node's output, by name.

    With ``percentile`` p, ``high`` is the least of 16,384 steps of the whole range that p percent
    of the values do not exceed, and ``low`` likewise from below; p = 100 is min-max. The searches
    suit the range to codes of ``bits`` bits, with zero point 0 or not. Raises ValueError for no
    samples, samples of another shape, or values that are not finite.
    """
    observer = Observer(observer)
    batches = as_batches(graph, samples)
    ranges: dict[str, Range] = {}
    for name, values in _observe(graph, batches):
        seen = Range(float(values.min()), float(values.max()))
        ranges[name] = ranges[name].union(seen) if name in ranges else seen
    if observer is Observer.MINMAX:
        return ranges
    counts = {name: np.zeros(BINS, np.int64) for name in ranges}
    for name, values in _observe(graph, batches):
        counts[name] += count(values, ranges[name])
    return {
        name: choose(Histogram(ranges[name], counts[name]), observer, percentile, bits, symmetric)
        for name in ranges
    }


def choose(
    seen: Histogram, observer: Observer, percentile: float, bits: int, symmetric: bool
) -> Range:
    """The range that the method finds in a histogram."""
    match observer:
        case Observer.MINMAX:
            return minmax_range(seen)
        case Observer.PERCENTILE:
            return percentile_range(seen, percentile)
        case Observer.MSE:
            return mse_range(seen, bits, symmetric)
        case Observer.KL | Observer.JS:
            return divergence_range(seen, bits, symmetric, Divergence(observer.value))


def _observe(
    graph: FloatGraph, batches: Sequence[torch.Tensor]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for batch in batches:
        for start in range(0, len(batch), _BATCH):
            for name, value in taps(graph, batch[start : start + _BATCH]):
                values = value.numpy()
                if not np.isfinite(values).all():
                    raise ValueError(
                        f"{name!r} takes a value that is not finite on the calibration inputs"
                    )
                yield name, values


def as_batches(graph: FloatGraph, samples: Samples) -> list[torch.Tensor]:
    """The samples as float32 tensors (N, ...), checked against the graph's input."""
    whole = isinstance(samples, np.ndarray | torch.Tensor)
    parts = [torch.as_tensor(part) for part in ([samples] if whole else samples)]
    shape = graph.input.shape
    for part in parts:
        if tuple(part.shape[1:]) != shape or part.ndim != len(shape) + 1:
            raise ValueError(
                f"calibration inputs must be (N, {', '.join(map(str, shape))}), "
                f"not {tuple(part.shape)}"
            )
    if not sum(len(part) for part in parts):
        raise ValueError("calibration needs at least one input")
    return [part.detach().to(torch.float32) for part in parts]
