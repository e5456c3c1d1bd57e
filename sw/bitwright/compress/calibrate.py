"""Which values each tensor of the float graph takes on sample inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from bitwright.importers.execute import taps
from bitwright.importers.graph import FloatGraph

Samples: TypeAlias = (
    NDArray[np.float32] | torch.Tensor | Sequence[NDArray[np.float32]] | Sequence[torch.Tensor]
)
"""Inputs (N, ...), or a sequence of such batches."""

_BATCH = 128
_BINS = 1 << 14
"""A percentile is right to a 16,384th of the range: a 64th of a step of 8 bits."""


class Observer(StrEnum):
    """How the values seen become a range."""

    MINMAX = "minmax"
    """From the least to the greatest."""
    PERCENTILE = "percentile"
    """Rare extremes are left out, and saturate."""


@dataclass(frozen=True, slots=True)
class Range:
    """The real values low .. high."""

    low: float
    high: float

    def union(self, other: "Range") -> "Range":
        """The least range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


def calibrate(
    graph: FloatGraph,
    samples: Samples,
    *,
    observer: Observer | str = Observer.MINMAX,
    percentile: float = 99.99,
) -> dict[str, Range]:
    """The range of every node's output, by name.

    With ``percentile`` p, ``high`` is the least of 16,384 steps of the whole range that p percent
    of the values do not exceed, and ``low`` likewise from below; p = 100 is min-max. Raises
    ValueError for no samples, samples of another shape, or values that are not finite.
    """
    batches = _batches(graph, samples)
    ranges: dict[str, Range] = {}
    for name, values in _observe(graph, batches):
        seen = Range(float(values.min()), float(values.max()))
        ranges[name] = ranges[name].union(seen) if name in ranges else seen
    if Observer(observer) is Observer.MINMAX:
        return ranges
    if not 50 < percentile <= 100:
        raise ValueError(f"percentile must lie above 50 and up to 100, not {percentile}")
    counts = {name: np.zeros(_BINS, np.int64) for name in ranges}
    for name, values in _observe(graph, batches):
        counts[name] += histogram(values, ranges[name])
    return {name: clip(ranges[name], counts[name], percentile) for name in ranges}


def histogram(values: NDArray[np.float32], over: Range) -> NDArray[np.int64]:
    """How many values fall in each of 16,384 equal parts of the range."""
    width = (over.high - over.low) / _BINS
    if not width:
        return np.bincount([0], weights=[values.size], minlength=_BINS).astype(np.int64)
    part = ((values.ravel().astype(np.float64) - over.low) / width).astype(np.int64)
    return np.bincount(np.minimum(part, _BINS - 1), minlength=_BINS)


def clip(over: Range, counts: NDArray[np.int64], percentile: float) -> Range:
    """The range without the parts beyond the percentile on either side."""
    width = (over.high - over.low) / len(counts)
    wanted = counts.sum() * percentile / 100
    up_to, down_to = np.cumsum(counts), np.cumsum(counts[::-1])
    last = int(np.searchsorted(up_to, wanted))
    first = int(np.searchsorted(down_to, wanted))
    # The ends themselves are exact, not the sum of rounded widths.
    high = over.high if last >= len(counts) - 1 else over.low + (last + 1) * width
    low = over.low if first >= len(counts) - 1 else over.high - (first + 1) * width
    return Range(low, high)


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


def _batches(graph: FloatGraph, samples: Samples) -> list[torch.Tensor]:
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
