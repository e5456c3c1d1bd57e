"""Random parameters of layers: what a random network may contain, and how each part is drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Rounding, quantize_multiplier
from bitwright.network import Layer, Pair, Quantization, Requantization

T = TypeVar("T")
Codes = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a random network may contain; the defaults are small enough for the RTL."""

    blocks: Pair = (1, 5)
    """Least and most blocks between the input and the head."""
    channels: Pair = (1, 20)
    pixels: Pair = (4, 14)
    kernel: int = 7
    stride: int = 3
    dilation: int = 2
    bits: Pair = (4, 8)
    """Of activations and weights."""
    bias: int = 3000
    multiplier_bits: int = 16
    roundings: tuple[Rounding, ...] = (
        *[Rounding.HALF_UP] * 6,
        Rounding.HALF_EVEN,
        Rounding.HALF_AWAY,
        Rounding.FLOOR,
        Rounding.TRUNC,
    )
    """Drawn from uniformly: repetition is weight."""
    kinds: tuple[str, ...] = (
        "conv",
        "conv",
        "depthwise",
        "grouped",
        "residual",
        "add",
        "concat",
        "max_pool",
        "avg_pool",
        "requantize",
    )


class Chooser(Protocol):
    """Where structural choices come from."""

    def integer(self, low: int, high: int) -> int:
        """An int in low .. high; low is the simplest."""

    def choice(self, values: Sequence[T]) -> T:
        """One of the values; the first is the simplest."""


@dataclass
class Parameters:
    """Draws one parameter after another."""

    chooser: Chooser
    rng: np.random.Generator
    limits: Limits

    def channels(self) -> int:
        return self.chooser.integer(*self.limits.channels)

    def bits(self) -> int:
        """Mostly the most bits allowed."""
        low, high = self.limits.bits
        return self.chooser.choice([high] * 4 + list(range(high, low - 1, -1)))

    def quantization(self) -> Quantization:
        """Symmetric, unsigned in effect, or with any zero point."""
        q = Quantization(scale=float(self.rng.uniform(0.005, 0.1)), bits=self.bits())
        kind = self.chooser.choice(["symmetric", "unsigned", "any"])
        if kind == "symmetric":
            return q
        zero_point = q.low if kind == "unsigned" else self.chooser.integer(q.low, q.high)
        return replace(q, zero_point=zero_point)

    def weight(self, shape: tuple[int, ...]) -> dict[str, Any]:
        bits = self.bits()
        limit = 1 << (bits - 1)
        return {"weight": self.rng.integers(-limit, limit, shape), "weight_bits": bits}

    def bias(self, low: FloatArray, high: FloatArray, q: Quantization) -> Codes:
        """Biases that bring sums low .. high (C,) near the middle of the code range; some miss."""
        real = (q.high - q.low + 1) / np.maximum(high - low, 1.0)
        bias = ((q.low + q.high) / 2 - q.zero_point) / real - (low + high) / 2
        bias += (high - low) * self.rng.uniform(-0.15, 0.15, len(low))
        return np.clip(np.rint(bias), -self.limits.bias, self.limits.bias).astype(np.int64)

    def clamp(self, q: Quantization) -> Pair:
        """The whole range, ReLU, ReLU6 or a narrower range."""
        kind = self.chooser.choice(["whole", "relu", "relu6", "narrow"])
        cut = (q.high - q.low) // 4
        if kind == "narrow":
            return q.low + self.chooser.integer(0, cut), q.high - self.chooser.integer(0, cut)
        if kind == "whole" or q.zero_point > 0:  # a ReLU from there up would leave little to see
            return q.low, q.high
        return q.zero_point, q.high - (self.chooser.integer(0, cut) if kind == "relu6" else 0)

    def window(self, x: Layer, *, same: bool = False, dilated: bool = True) -> dict[str, Any]:
        """Kernel, stride, padding and dilation that never enlarge x, or that keep its size."""
        vertical, horizontal = (self.axis(size, same, dilated) for size in x.shape[1:])
        paired = list(zip(vertical, horizontal, strict=True))
        before, after = paired[3], paired[4]
        return {
            "kernel": paired[0],
            "stride": paired[1],
            "dilation": paired[2],
            "padding": (*before, *after),
        }

    def axis(self, size: int, same: bool, dilated: bool) -> tuple[int, int, int, int, int]:
        """Kernel, stride, dilation, padding before and after along one axis.

        Padding is less than the window, and an axis of one pixel is not dilated: so every window
        reaches the input, which a maximum needs.
        """
        kernel = self.chooser.choice(
            [k for k in (1, 3, 2, 3, 5, 4, 7, 6) if k <= self.limits.kernel]
        )
        dilate = dilated and size > 1 and kernel > 1
        dilation = self.chooser.choice([1, 1, self.limits.dilation]) if dilate else 1
        reach = dilation * (kernel - 1)
        padding = reach if same else self.chooser.integer(max(0, reach + 1 - size), reach)
        before = self.chooser.integer(0, padding)
        strides = [s for s in (1, 2, 1, 3) if s <= self.limits.stride]
        stride = 1 if same else self.chooser.choice(strides)
        return kernel, stride, dilation, before, padding - before

    def fit(
        self, low: FloatArray, high: FloatArray, q: Quantization, movable: bool = True
    ) -> tuple[FloatArray, Quantization]:
        """Real scales (C,) that bring sums low .. high (C,) into the code range, more or less.

        The zero point, if movable, is first put where the middle of the sums meets that of the
        codes. At least half the range is used on either side of it: some sums may saturate.
        """
        span = q.high - q.low + 1
        real = span / np.maximum(1.0, np.maximum(high, 0) - np.minimum(low, 0))
        if movable:
            middle = (q.low + q.high) / 2 - float(np.mean((low + high) / 2 * real))
            q = replace(q, zero_point=min(max(round(middle), q.low), q.high))
        above = max(q.high - q.zero_point, span / 2) / np.maximum(high, 0.5)
        below = max(q.zero_point - q.low, span / 2) / np.maximum(-low, 0.5)
        return np.minimum(above, below) * self.rng.uniform(0.6, 1.1, len(low)), q

    def multipliers(self, real: FloatArray, real_b: float | None) -> tuple[Codes, Codes, Codes]:
        """Multipliers and shifts for real scales (C,), and multipliers at the same shifts for b.

        The first are normalised to ``multiplier_bits``, unless the second would then reach 2^31.
        """
        pairs = [quantize_multiplier(float(r), self.limits.multiplier_bits) for r in real]
        shifts = np.array([shift for _, shift in pairs], np.int64)
        multipliers = np.array([multiplier for multiplier, _ in pairs], np.int64)
        if real_b is None:
            return multipliers, shifts, np.zeros_like(shifts)
        most = 30 - math.ceil(math.log2(real_b))  # real_b 2^most <= 2^30
        multipliers = np.where(shifts > most, np.rint(real * 2.0**most), multipliers)
        shifts = np.minimum(shifts, most)
        return multipliers.astype(np.int64), shifts, np.rint(real_b * 2.0**shifts).astype(np.int64)

    def requantization(self, multiplier: Codes, shift: Codes, q: Quantization) -> Requantization:
        low, high = self.clamp(q)
        rounding = self.chooser.choice(self.limits.roundings)
        return Requantization(
            multiplier=multiplier, shift=shift, low=low, high=high, rounding=rounding
        )


def spread(acc: Codes) -> tuple[FloatArray, FloatArray]:
    """Percentiles 2 and 98, each (C,), of sums (N, C, ...)."""
    axes = tuple(axis for axis in range(acc.ndim) if axis != 1)
    low, high = np.percentile(acc, [2, 98], axis=axes)
    return low, high
