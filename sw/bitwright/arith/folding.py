"""Batch norm, activation and requantisation into integer thresholds, exactly.

The unfolded computation is taken in real numbers, its float parameters for the exact numbers they
are: y = gamma (step acc + bias - mean) / sqrt(variance + epsilon) + beta, clamped to what the
activation lets through, quantized to the nearest code. A code is reached where y is not below
a rational boundary, and the square root stands alone on one side of that comparison: squares decide
it. Nothing is rounded, so the thresholds are right for every accumulator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.affine import Integer
from bitwright.arith.format import Format
from bitwright.arith.lowbit import Binary
from bitwright.arith.nearest import as_real
from bitwright.arith.thresholds import MAX_BITS, Thresholds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchNorm:
    """gamma (v - mean) / sqrt(variance + epsilon) + beta, each a float per channel."""

    gamma: ArrayLike
    beta: ArrayLike
    mean: ArrayLike
    variance: ArrayLike
    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True)
class Boundary:
    """A code is reached at this value, or only above it."""

    value: Fraction
    inclusive: bool

    def reached(self, y: Fraction) -> bool:
        """Tell whether y has the code."""
        return y > self.value or (self.inclusive and y == self.value)


def fold_batch_norm(
    norm: BatchNorm,
    output: Format[Any],
    *,
    low: int,
    high: int,
    step: ArrayLike = 1.0,
    bias: ArrayLike = 0.0,
    clamp: tuple[float | None, float | None] = (None, None),
    scale: float = 1.0,
    zero_point: int = 0,
    threshold: ArrayLike = 0.0,
) -> Thresholds:
    """Give the thresholds of a layer whose accumulators lie in low..high.

    ``step`` is what one unit of the accumulator is worth and ``bias`` what is added to it: numbers,
    or one per channel. ``clamp`` is the activation, (0, None) for ReLU and (0, 6) for ReLU6. The
    output is `binary` (one threshold and one direction per channel: +1 where y >= 0), or int<N> or
    uint<N> of up to 4 bits with its ``scale`` and ``zero_point``, ties half_even as `encode` takes
    them. ``threshold`` is taken from beta, exactly: a binary output is +1 where y >= threshold.

    Raises ValueError for another output, parameters that are not finite, of different lengths or
    out of range.

    >>> from bitwright.arith import parse
    >>> norm = BatchNorm(gamma=[1.0, -2.0], beta=[0.5, 0.5], mean=[3.0, 0.0], variance=[4.0, 1.0],
    ...                  epsilon=0.0)
    >>> found = fold_batch_norm(norm, parse("binary"), low=-100, high=100)
    >>> found.values.tolist(), found.direction.tolist()  # acc >= 2, and -acc >= -1/4
    ([[2], [0]], [1, -1])
    """
    if low > high or max(-low, high) >= 1 << 62:
        raise ValueError(f"low..high must be a range within 62 bits, but is {low}..{high}")
    boundaries, first = _boundaries(output, scale, zero_point)
    channels = np.size(norm.gamma)
    rows, directions = [], []
    parameters = [
        _numbers(name, values, channels)
        for name, values in (
            ("gamma", norm.gamma),
            ("beta", norm.beta),
            ("mean", norm.mean),
            ("variance", norm.variance),
            ("step", step),
            ("bias", bias),
            ("threshold", threshold),
        )
    ]
    epsilon = _numbers("epsilon", norm.epsilon, 1)[0]
    for gamma, beta, mean, variance, weight, offset, above in zip(*parameters, strict=True):
        square = variance + epsilon
        if square <= 0:
            raise ValueError(f"variance + epsilon must be positive, but is {float(square)!r}")
        line = _Line(slope=gamma * weight, start=gamma * (offset - mean), square=square)
        rest = beta - above
        rows.append([line.threshold(_clamped(edge, clamp), rest, low, high) for edge in boundaries])
        directions.append(-1 if line.slope < 0 else 1)
    return Thresholds(
        values=np.array(rows, np.int64).reshape(channels, len(boundaries)),
        direction=np.array(directions, np.int64),
        first=first,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """(slope acc + start) / sqrt(square)."""

    slope: Fraction
    start: Fraction
    square: Fraction

    def threshold(self, edge: Boundary | bool, beta: Fraction, low: int, high: int) -> int:
        """Give the least d acc, d = -1 for a negative slope, at which line + beta reaches it.

        One above the range if none does, its least if all do.
        """
        least, greatest = (-high, -low) if self.slope < 0 else (low, high)
        if isinstance(edge, bool) or self.slope == 0:
            always = edge if isinstance(edge, bool) else self._reaches(0, edge, beta)
            return least if always else greatest + 1
        # Reached from d acc = (wanted sqrt(square) - start) / |slope| on, which is known to 1/4.
        wanted, slope = edge.value - beta, abs(self.slope)
        bits = int(abs(wanted) / slope).bit_length() + 2
        exact = (wanted * _root(self.square, bits) - self.start) / slope
        place = min(max(floor(exact - Fraction(1, 4)), least), greatest + 1)
        while place <= greatest and not self._reaches(place, edge, beta):
            place += 1  # at most three times
        return place

    def _reaches(self, directed: int, edge: Boundary, beta: Fraction) -> bool:
        """Decide |slope| d acc + start >= (edge - beta) sqrt(square), or > if not inclusive."""
        left, right = abs(self.slope) * directed + self.start, edge.value - beta
        difference = _signed_square(left) - _signed_square(right) * self.square
        return difference > 0 or (edge.inclusive and difference == 0)


def _signed_square(value: Fraction) -> Fraction:
    return abs(value) * value


def _root(square: Fraction, bits: int) -> Fraction:
    """Give the square root rounded down, with an error below 2^-bits."""
    scaled = (square.numerator << 2 * bits) * square.denominator
    return Fraction(isqrt(scaled), square.denominator << bits)


def _boundaries(output: Format[Any], scale: float, zero_point: int) -> tuple[list[Boundary], int]:
    """Give where each code above the first begins, and the first code."""
    if isinstance(output, Binary):
        return [Boundary(Fraction(0), inclusive=True)], 0
    if not isinstance(output, Integer) or output.bits > MAX_BITS:
        raise ValueError(
            f"thresholds give binary, and int<N> and uint<N> of up to {MAX_BITS} bits, not {output}"
        )
    if not output.code_low <= zero_point <= output.code_high:
        raise ValueError(f"zero_point must be a code of {output}, but is {zero_point}")
    size = _numbers("scale", scale, 1)[0]
    if size <= 0:
        raise ValueError(f"scale must be positive, but is {scale!r}")
    edges = []
    for code in range(output.code_low + 1, output.code_high + 1):
        steps = code - zero_point  # reached from steps - 1/2 on, a tie going to even
        edges.append(Boundary((steps - Fraction(1, 2)) * size, inclusive=steps % 2 == 0))
    return edges, output.code_low


def _clamped(edge: Boundary, clamp: tuple[float | None, float | None]) -> Boundary | bool:
    """Move the activation to the other side: always or never reached beyond its ends."""
    bottom, top = (None if end is None else Fraction(end) for end in clamp)
    if bottom is not None and edge.reached(bottom):
        return True
    if top is not None and not edge.reached(top):
        return False
    return edge


def _numbers(name: str, values: ArrayLike, channels: int) -> Sequence[Fraction]:
    array: NDArray[np.float64] = as_real(name, values).astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    if array.size not in (1, channels):
        raise ValueError(f"{name} must have {channels} numbers, as gamma has, but has {array.size}")
    return [Fraction(float(v)) for v in np.broadcast_to(array.reshape(-1), (channels,))]
