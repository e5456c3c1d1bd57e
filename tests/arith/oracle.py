"""The slow, obvious arithmetic the tests compare with: Python integers and fractions."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import NDArray

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1

ONE_ROUNDING = ["half_up", "half_even", "half_away", "floor", "trunc"]
"""The roundings that round once."""


def rounded(value: Fraction, rounding: str) -> int:
    """An exact number to an integer."""
    below, above = math.floor(value), math.ceil(value)
    if rounding == "floor":
        return below
    if rounding == "trunc":
        return below if value > 0 else above
    if value - below != above - value or below == above:
        return below if value - below < above - value else above
    return {
        "half_up": above,
        "half_even": below if below % 2 == 0 else above,
        "half_away": above if value > 0 else below,
    }[rounding]


def clamped(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def code_ends(bits: int, signed: bool = True) -> tuple[int, int]:
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def elementwise(
    function: Callable[..., int], *arrays: NDArray[np.integer] | int
) -> NDArray[np.int64]:
    """The function of each element's Python integers, after broadcasting."""
    grid = np.broadcast_arrays(*arrays)
    results = [
        function(*(int(v) for v in row)) for row in zip(*(g.flat for g in grid), strict=True)
    ]
    return np.array(results, np.int64).reshape(grid[0].shape)


def c_divide(a: int, b: int) -> int:
    """C's integer division, towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a >= 0) == (b >= 0) else -quotient


def high_mul(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul, line by line."""
    overflow = a == b and a == INT32_MIN
    ab_64 = a * b
    nudge = (1 << 30) if ab_64 >= 0 else (1 - (1 << 30))
    ab_x2_high32 = c_divide(ab_64 + nudge, 1 << 31)
    return INT32_MAX if overflow else ab_x2_high32


def divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT, line by line."""
    mask = (1 << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def tflite_multiply(x: int, multiplier: int, shift: int) -> int:
    """TensorFlow Lite's MultiplyByQuantizedMultiplier; its left shift, overflowing, saturates."""
    left_shift = shift if shift > 0 else 0
    right_shift = 0 if shift > 0 else -shift
    shifted = clamped(x * (1 << left_shift), INT32_MIN, INT32_MAX)
    return divide_by_pot(high_mul(shifted, multiplier), right_shift)


def requantized(
    acc: int, multiplier: int, shift: int, zero_point: int, rounding: str, low: int, high: int
) -> int:
    if rounding == "tflite":
        scaled = tflite_multiply(acc, multiplier, 31 - shift)
    else:
        scaled = rounded(Fraction(acc * multiplier, 1 << shift), rounding)
    return clamped(zero_point + scaled, low, high)


def matmul(a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.int64]:
    """numpy's product over Python integers, which never overflow and never see a BLAS."""
    return np.asarray(a.astype(object) @ b.astype(object), dtype=object).astype(np.int64)


def conv2d(
    x: NDArray[np.integer],
    w: NDArray[np.integer],
    bias: NDArray[np.integer] | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    x_zero_point: int = 0,
) -> NDArray[np.int64]:
    """Six loops and an inner sum over the taps that fall inside the image."""
    images, _, height, width = x.shape
    outputs, depth, kh, kw = w.shape
    top, left, bottom, right = padding
    oh = (height + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    result = np.zeros((images, outputs, oh, ow), np.int64)
    for n, o, oy, ox in np.ndindex(result.shape):
        first = o // (outputs // groups) * depth
        acc = 0 if bias is None else int(bias[o])
        for c, i, j in product(range(depth), range(kh), range(kw)):
            y = oy * stride[0] + i * dilation[0] - top
            z = ox * stride[1] + j * dilation[1] - left
            if 0 <= y < height and 0 <= z < width:
                acc += (int(x[n, first + c, y, z]) - x_zero_point) * int(w[o, c, i, j])
        result[n, o, oy, ox] = acc
    return result


def encoded(
    x: float,
    step: float,
    zero_point: int,
    low: int,
    high: int,
    rounding: str = "half_even",
    overflow: str = "saturate",
) -> int:
    """The code of a real number, from the exact quotient."""
    if math.isinf(x):
        return high if x > 0 else low
    code = zero_point + rounded(Fraction(x) / Fraction(step), rounding)
    if overflow == "wrap":
        return (code - low) % (high - low + 1) + low
    return clamped(code, low, high)


def around(value: float, dtype: type[np.floating]) -> Iterator[float]:
    """A number as ``dtype`` with its two neighbours."""
    centre = dtype(value)
    yield from (float(np.nextafter(centre, dtype(-np.inf))), float(centre))
    yield float(np.nextafter(centre, dtype(np.inf)))
