"""Real numbers to integer multiples of a step, as if computed without any rounding but one."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers
from bitwright.arith.rounding import Rounding
from bitwright.arith.tiles import Scratch

Real = NDArray[np.floating[Any]]

QUOTIENT_LIMIT = 1 << 34
"""Quotients are exact up to here and saturate beyond: no code has more than 32 bits."""


class Overflow(StrEnum):
    """What happens to a value beyond the greatest code."""

    SATURATE = "saturate"
    """The nearest end of the range."""
    WRAP = "wrap"
    """The code modulo 2^N, as an adder without saturation leaves it."""


def as_overflow(overflow: Overflow | str) -> Overflow:
    """Give the `Overflow` of that name; ValueError listing the accepted names otherwise."""
    try:
        return Overflow(overflow)
    except ValueError:
        raise ValueError(
            f"unknown overflow {overflow!r}; accepted: {', '.join(Overflow)}"
        ) from None


def as_real(name: str, x: ArrayLike) -> Real:
    """Give ``x`` as float32 (also from float16) or float64 (also from integers), without NaN.

    TypeError for other types; ValueError for NaN, naming the first index, and for integers that
    float64 does not hold.
    """
    array = as_float(name, x)
    reject_nan(name, array)
    return array


def reject_nan(name: str, array: Real) -> None:
    """Raise ValueError, naming the first index, if there is a NaN."""
    if np.isnan(array).any():
        index = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        raise ValueError(f"{name} is NaN at index {index}; NaN has no code")


def as_float(name: str, x: ArrayLike) -> Real:
    """Do what `as_real` does, but leave NaN to the caller."""
    array = np.asarray(x)
    if array.dtype.kind in "iu":
        real = array.astype(np.float64)
        if array.size and max(-int(array.min()), int(array.max())) > 1 << 53:
            raise ValueError(f"{name} has integers beyond 2^53, which float64 does not hold")
        return real
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float16, float32, float64 or integer, not {array.dtype}")
    return array


def round_quotient(x: Real, step: Real, rounding: Rounding) -> NDArray[np.float64]:
    """Compute round(x / step) of the exact quotient, as integral float64; step broadcasts to x.

    Saturates at +-2^34 (for infinite x, too). ``step`` is positive and normal in x's type. If x is
    float64 and ``step`` no power of two, only quotients below 2^18 are exact (`_residual_sign`).

    The float quotient is the exact one rounded, and rounding is monotone: between two neighbouring
    multiples of 1/2 both are on the same side of every tie. Only where the float quotient is
    itself a multiple of 1/2 can the exact one lie beside it; there the sign of x - quotient step
    decides, and a quarter in its direction gives every rounding rule the true neighbour.

    For float32 x and step that never happens: x = X 2^a and step = S 2^b with X, S < 2^24, so
    an exact quotient that is not j/2 differs from it, relatively, by at least 1 / (j S), which for
    j < 2^19 is above 2^-43, and float64 rounds by 2^-53 at most.
    """
    with np.errstate(over="ignore", under="ignore"):
        quotient = np.divide(x, step, out=np.empty(x.shape), dtype=np.float64)
    np.clip(quotient, -QUOTIENT_LIMIT, QUOTIENT_LIMIT, out=quotient)
    if x.dtype == np.float64:
        beside = 2 * quotient == np.rint(2 * quotient)
        if beside.any():
            steps = np.broadcast_to(step, x.shape)[beside]
            quotient[beside] += _residual_sign(x[beside], steps, quotient[beside]) / 4
    return round_float(quotient, rounding)


def round_half_even(
    x: NDArray[np.float32], step: Real, whole: Real, scratch: Scratch
) -> NDArray[np.float32]:
    """Compute what `round_quotient` does for float32, ties to even, in float32 where that is exact.

    ``step`` broadcasts to x; beyond 2^23 the result is some integer beyond, infinite for infinite
    x. ``whole`` is the array that x is part of: a NaN raises ValueError with its index there.

    As in `round_quotient` a quotient rounded to float32 lies on the exact one's side of every tie,
    unless it has become the tie: one in a hundred thousand, which is divided again in float64.
    """
    quotient = scratch.like("quotient", x)
    np.divide(x, step, out=quotient)
    rounded: NDArray[np.float32] = scratch.like("rounded", x)
    np.rint(quotient, out=rounded)
    # Exact. NaN of an infinite quotient or a NaN, which min and max pass on.
    quotient -= rounded
    if not (quotient.max(initial=0) < 0.5 and quotient.min(initial=0) > -0.5):
        doubtful = ~(np.abs(quotient) < 0.5)
        doubted = x[doubtful].astype(np.float64)
        if np.isnan(doubted).any():
            reject_nan("x", whole)
        doubted /= np.broadcast_to(step, x.shape)[doubtful]
        rounded[doubtful] = np.rint(doubted)
    return rounded


def _residual_sign(x: Real, step: Real, quotient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give sign(x - quotient step), exactly, where 2 quotient is an integer nearest to 2 x / step.

    With step = (high + low) 2^e, high of 24 bits and low of 29, quotient high and quotient low are
    exact for quotients of 19 bits (44 and 48 bits), and of any size for a power of two (low = 0,
    high = 1/2). x 2^-e and quotient high differ by a factor near 1, so that their difference is
    exact; the sign of the last difference is then right, rounded or not.
    """
    mantissa, exponent = np.frexp(step)
    high = mantissa.astype(np.float32).astype(np.float64)
    low = mantissa - high
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(x, -exponent)
    sign: NDArray[np.float64] = np.sign((scaled - quotient * high) - quotient * low)
    # A quotient of 0 may be an underflow: then x alone says on which side it lies.
    return np.where(quotient == 0, np.sign(x), sign)


def round_float(value: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """Round float64 (below 2^52 in magnitude) to integers; ``value`` may be overwritten.

    >>> round_float(np.array([-2.5, -1.5, 1.5, 2.5]), Rounding.HALF_AWAY)
    array([-3., -2.,  2.,  3.])
    """
    result: NDArray[np.float64]
    if rounding is Rounding.HALF_EVEN:
        result = np.rint(value, out=value)
    elif rounding is Rounding.FLOOR:
        result = np.floor(value, out=value)
    elif rounding is Rounding.TRUNC:
        result = np.trunc(value, out=value)
    elif rounding is Rounding.HALF_UP:
        # Not floor(value + 1/2): that sum rounds, 0.49999999999999994 + 0.5 to 1.
        floor = np.floor(value)
        result = floor + (value - floor >= 0.5)
    elif rounding is Rounding.HALF_AWAY:
        whole = np.trunc(value)
        result = whole + np.copysign(np.abs(value - whole) >= 0.5, value)
    else:
        raise ValueError(
            f"rounding {rounding.value!r} is for requantize only; "
            "accepted here: half_up, half_even, half_away, floor, trunc"
        )
    return np.asarray(result)  # numpy makes a scalar of an array without axes


def to_codes(
    x: Real,
    step: Real,
    zero_point: Integers | None,
    low: int,
    high: int,
    rounding: Rounding,
    overflow: Overflow,
) -> NDArray[np.float64]:
    """Compute zero_point + round(x / step), saturated to low..high or wrapped into it.

    ``step`` and ``zero_point`` broadcast to x; ``zero_point`` lies in low..high. Ties are decided
    on x / step, before the zero point is added. Infinities saturate even where finite values wrap.
    The result is float64, exact: zero points have up to 32 bits and rounded quotients up to 35.
    """
    if overflow is Overflow.WRAP:
        # Reducing x by a multiple of 2^N step leaves the code modulo 2^N and, as the
        # remainder keeps the sign of x, the direction of every rounding. fmod is exact.
        modulus = high - low + 1
        infinite = np.isinf(x)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            reduced = np.fmod(x, np.multiply(step, modulus, dtype=np.float64), dtype=np.float64)
        reduced = np.where(infinite, 0, reduced).astype(x.dtype)
        codes = round_quotient(reduced, step, rounding)
        if zero_point is not None:
            codes += zero_point
        codes = np.mod(codes - low, modulus) + low
        return np.where(infinite, np.where(x > 0, high, low), codes)
    codes = round_quotient(x, step, rounding)
    if zero_point is not None:
        codes += zero_point
    return np.clip(codes, low, high, out=codes)
