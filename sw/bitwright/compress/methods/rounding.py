"""The step `quantize`: each weight to the nearest value of its format; and the choice of scales.

Sources: B. Jacob et al., arXiv:1712.05877, for scale and zero point; R. Krishnamoorthi,
Quantizing Deep Convolutional Networks for Efficient Inference, arXiv:1806.08342, section 3.1, for
scales per channel; M. Nagel et al., arXiv:2106.08295, section 3.1, for ranges by least error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Binary, Integer, Ternary, parse
from bitwright.compress.calibrate import Observer, choose
from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels, step
from bitwright.compress.methods.calibration import Histogram, Range, activation_quantization, count
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, match, require, selected
from bitwright.importers.graph import Array

GRANULARITIES = ("channel", "tensor")
PLANNED = "planned"
"""Stands for the format that the step `mixed` has chosen for the layer."""
_TRIED = 100
"""Ranges that the search for the least error tries per channel."""


def fit_grid(
    weight: Array,
    name: str,
    *,
    granularity: str = "channel",
    method: str = "minmax",
    percentile: float = 99.9,
) -> Grid:
    """The grid of a format for a layer's weights (O, ...): one scale per output channel, or one.

    binary and ternary take their scale from the mean magnitude, as the formats do.
    """
    fmt = parse(name)
    matrix = weight.reshape(1 if granularity == "tensor" else len(weight), -1)
    if isinstance(fmt, Binary | Ternary):
        encoded = fmt.encode(matrix, scale="channel", channel_axis=0)
        scale = np.asarray(encoded.shared.scale, np.float64).ravel() * step(name)
        offset = np.zeros(len(matrix), np.int64)
    elif isinstance(fmt, Integer) and not fmt.signed:
        scale, offset = _asymmetric(matrix, fmt.bits, Observer(method), percentile)
    else:
        offset = np.zeros(len(matrix), np.int64)
        top = int(levels(name)[-1])
        scale = _reach(matrix, name, Observer(method), percentile) / top
    repeat = len(weight) // len(matrix)
    return Grid(
        format=name,
        levels=levels(name),
        scale=np.where(scale > 0, scale, 1.0).repeat(repeat),
        offset=offset.repeat(repeat),
    )


def round_weights(weight: Array, grid: Grid) -> Array:
    """The values of the grid that the format gives: the nearest, but for the format ternary."""
    if grid.format != "ternary":
        return grid.round(weight)
    fmt = parse(grid.format)
    axis = {"channel_axis": 0} if len(np.unique(grid.scale)) > 1 else {}
    codes = fmt.encode(weight, **axis).codes
    return grid.values(codes.astype(np.int64) + 1)


def _reach(matrix: Array, name: str, method: Observer, percentile: float) -> NDArray[np.float64]:
    """The real value of the greatest code, per row."""
    greatest = np.abs(matrix).max(axis=1)
    if method is Observer.MINMAX:
        return np.asarray(greatest)
    if method is Observer.MSE:
        return _least_error(matrix, name, greatest)
    bits = parse(name).bits
    found = [_searched(row, method, percentile, bits, symmetric=True) for row in matrix]
    return np.array([max(-seen.low, seen.high) for seen in found])


def _least_error(matrix: Array, name: str, greatest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of 100 parts of the greatest magnitude the one whose quantization has the least error."""
    scale = np.where(greatest > 0, greatest, 1.0) / int(levels(name)[-1])
    zero = np.zeros(len(matrix), np.int64)
    best = np.full(len(matrix), np.inf)
    reach = greatest.copy()
    for part in np.arange(_TRIED, 0, -1) / _TRIED:
        grid = Grid(format=name, levels=levels(name), scale=scale * part, offset=zero)
        error = np.square(grid.round(matrix) - matrix).sum(axis=1)
        better = error < best
        best = np.where(better, error, best)
        reach = np.where(better, greatest * part, reach)
    return np.asarray(reach)


def _asymmetric(
    matrix: Array, bits: int, method: Observer, percentile: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    found = [
        activation_quantization(
            _searched(row, method, percentile, bits, symmetric=False), bits, symmetric=False
        )
        for row in matrix
    ]
    zero = np.array([q.zero_point for q in found], np.int64) + (1 << (bits - 1))
    return np.array([q.scale for q in found]), -zero


def _searched(row: Array, method: Observer, percentile: float, bits: int, symmetric: bool) -> Range:
    over = Range(float(row.min()), float(row.max()))
    return choose(Histogram(over, count(row, over)), method, percentile, bits, symmetric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantize(Step):
    """Round the weights to the nearest values of a number format, biases stay exact.

    Sources: arXiv:1712.05877; arXiv:1806.08342, section 3.1; arXiv:2106.08295, section 3.1.
    """

    name: ClassVar[str] = "quantize"
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    forbids: ClassVar[Mapping[Fact, str]] = {Fact.GRIDS: "rounds what is rounded already"}

    format: str = "int8"
    """int2..int8 (symmetric), uint2..uint7 (asymmetric), binary, ternary, pow2..pow4, e2m1, ...;
    or planned."""
    granularity: str = "channel"
    """A scale per output channel, or one per tensor."""
    range: str = "minmax"
    """How the scale is chosen: minmax, percentile, mse, kl or js."""
    percentile: float = 99.9
    """Of the range percentile."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers' names; the others keep int8 under min-max."""
    formats: Mapping[str, str] = field(default_factory=dict)
    """Other formats for some layers, by pattern."""

    def __post_init__(self) -> None:
        methods = [str(observer) for observer in Observer]
        require(self.range in methods, f"range must be one of {', '.join(methods)}", self.range)
        require(
            self.granularity in GRANULARITIES,
            f"granularity must be one of {', '.join(GRANULARITIES)}",
            self.granularity,
        )
        require(50 < self.percentile <= 100, "percentile must lie in 50..100", self.percentile)
        for name in {self.format, *self.formats.values()} - {PLANNED}:
            levels(name)
            if self.range in ("kl", "js"):
                plain = isinstance(parse(name), Integer)
                require(plain, "ranges by divergence are for int<N> and uint<N>", name)

    def needed(self) -> frozenset[Fact]:
        """A plan, where one is asked for."""
        planned = PLANNED in (self.format, *self.formats.values())
        return frozenset({Fact.PLAN}) if planned else frozenset()

    def patterns(self) -> tuple[str, ...]:
        """Those of ``layers`` and ``formats``."""
        return (*self.layers, *self.formats)

    def chosen(self, state: State) -> dict[str, str]:
        """The format of each layer that the step rounds."""
        known = layers(state.graph)
        rest = dict.fromkeys(known, "int8")
        named = dict.fromkeys(selected(self.layers, known), self.format)
        by_hand = {n: fmt for pattern, fmt in self.formats.items() for n in match(pattern, known)}
        return {
            name: state.formats[name] if fmt == PLANNED else fmt
            for name, fmt in (rest | named | by_hand).items()
        }

    def apply(self, state: State, context: Context) -> State:
        """Round each layer's weights."""
        grids, weights = {}, {}
        known = layers(state.graph)
        for name, fmt in self.chosen(state).items():
            context.progress(f"{name} in {fmt}")
            grids[name] = fit_grid(
                known[name].weight,
                fmt,
                granularity=self.granularity,
                method="minmax" if fmt in ("binary", "ternary") else self.range,
                percentile=self.percentile,
            )
            weights[name] = round_weights(known[name].weight, grids[name])
        return state.with_weights(weights, grids)
