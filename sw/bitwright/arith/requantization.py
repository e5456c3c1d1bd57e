"""From accumulators to codes."""

import math

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.rounding import MAX_SHIFT, Integers, Rounding, check_range, shift_round

INT32_LOW, INT32_HIGH = -(1 << 31), (1 << 31) - 1
MAX_MULTIPLIER = (1 << 31) - 1


def requantize(
    acc: ArrayLike,
    multiplier: ArrayLike,
    shift: ArrayLike,
    zero_point: int = 0,
    rounding: Rounding | str = Rounding.HALF_UP,
    bits: int = 8,
    signed: bool = True,
    *,
    low: int | None = None,
    high: int | None = None,
) -> Integers:
    """y = clamp(zero_point + round(acc multiplier / 2^shift), low, high).

    ``acc`` is signed 32 bit, ``multiplier`` 0..2^31-1, ``shift`` 0..62; the latter two broadcast
    against ``acc``. The clamp is to the codes of ``bits`` unless ``low`` or ``high`` narrow it. The
    product stays below 2^62 in magnitude, so int64 is exact.

    >>> requantize([5, -5, 1000], 1, 1, bits=8).tolist()
    [3, -2, 127]
    """
    rounding = Rounding(rounding)
    sums, factors, places = _checked(acc, multiplier, shift)
    if rounding is Rounding.TFLITE:
        scaled = _tflite_scaled(sums, factors, places)
    else:
        scaled = shift_round(sums * factors, places, rounding)
    return _clamp(scaled + zero_point, bits, signed, low, high)


def requantize_sum(
    a: ArrayLike,
    multiplier_a: ArrayLike,
    b: ArrayLike,
    multiplier_b: ArrayLike,
    shift: ArrayLike,
    zero_point: int = 0,
    rounding: Rounding | str = Rounding.HALF_UP,
    bits: int = 8,
    signed: bool = True,
    *,
    low: int | None = None,
    high: int | None = None,
) -> Integers:
    """y = clamp(zero_point + round((a multiplier_a + b multiplier_b) / 2^shift), low, high).

    One rounding for both terms. ``a`` is signed 32 bit and ``b`` at most 2^17 in magnitude:
    |a ma| < 2^62 and |b mb| < 2^48, so their sum is exact in int64.

    >>> requantize_sum([3], 1, [2], 1, 1).tolist()
    [3]
    """
    first, factors, places = _checked(a, multiplier_a, shift)
    second = np.asarray(b, np.int64)
    check_range(second, -(1 << 17), 1 << 17, "b")
    factors_b = np.asarray(multiplier_b, np.int64)
    check_range(factors_b, 0, MAX_MULTIPLIER, "multiplier_b")
    scaled = shift_round(first * factors + second * factors_b, places, rounding)
    return _clamp(scaled + zero_point, bits, signed, low, high)


def quantize_multiplier(real: float, bits: int = 31) -> tuple[int, int]:
    """(multiplier, shift) with multiplier / 2^shift nearest to ``real``, ties to even.

    The multiplier has its top bit (of ``bits``) set, unless that would need a shift outside 0..62.
    A real number below half the least quotient, 2^-63, becomes (0, 0).

    >>> quantize_multiplier(0.5, bits=8)
    (128, 8)
    """
    if not 1 <= bits <= 31:
        raise ValueError(f"multiplier bits must be in 1..31, got {bits}")
    if not (math.isfinite(real) and real >= 0):
        raise ValueError(f"a multiplier must be finite and not negative, got {real}")
    if real == 0:
        return 0, 0
    mantissa, exponent = math.frexp(real)  # real = mantissa 2^exponent, mantissa in [1/2, 1)
    shift = min(bits - exponent, MAX_SHIFT)
    if shift < 0:
        raise ValueError(f"multiplier {real} is too large for {bits} bits; at most {2**bits - 1}")
    multiplier = _nearest(mantissa, exponent + shift)
    if multiplier == 1 << bits:
        if shift == 0:
            raise ValueError(f"multiplier {real} is too large for {bits} bits")
        multiplier, shift = multiplier >> 1, shift - 1
    return (multiplier, shift) if multiplier else (0, 0)


def _nearest(mantissa: float, exponent: int) -> int:
    """mantissa 2^exponent as the nearest integer, ties to even; exact for every double."""
    numerator = int(math.ldexp(mantissa, 53))
    return int(_scalar_half_even(numerator, 53 - exponent))


def _scalar_half_even(numerator: int, shift: int) -> int:
    if shift <= 0:
        return numerator << -shift
    floor, rest, half = numerator >> shift, numerator & ((1 << shift) - 1), 1 << (shift - 1)
    return floor + (rest > half or (rest == half and floor & 1 == 1))


def _checked(
    acc: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> tuple[Integers, Integers, Integers]:
    sums = np.asarray(acc, np.int64)
    factors = np.asarray(multiplier, np.int64)
    places = np.asarray(shift, np.int64)
    check_range(sums, INT32_LOW, INT32_HIGH, "accumulator")
    check_range(factors, 0, MAX_MULTIPLIER, "multiplier")
    check_range(places, 0, MAX_SHIFT, "shift")
    return sums, factors, places


def _clamp(
    values: Integers, bits: int, signed: bool, low: int | None, high: int | None
) -> Integers:
    least = -(1 << (bits - 1)) if signed else 0
    greatest = least + (1 << bits) - 1
    low, high = least if low is None else low, greatest if high is None else high
    if not least <= low <= high <= greatest:
        raise ValueError(f"clamp {low}..{high} must be ascending and lie in {least}..{greatest}")
    return np.clip(values, low, high)


def _tflite_scaled(acc: Integers, multiplier: Integers, shift: Integers) -> Integers:
    """gemmlowp's MultiplyByQuantizedMultiplier, with multiplier / 2^31 as Q31 and 31 - shift.

    SaturatingRoundingDoublingHighMul rounds to nearest, ties up (its nudge and C's truncating
    division together); RoundingDivideByPOT rounds to nearest, ties away from zero.
    """
    exponent = 31 - shift
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    # Saturates where the C code would overflow: at most 31 places, so int64 holds it.
    widened = np.clip(acc << left, INT32_LOW, INT32_HIGH)
    high = shift_round(widened * multiplier, 31, Rounding.HALF_UP)
    return shift_round(np.clip(high, INT32_LOW, INT32_HIGH), right, Rounding.HALF_AWAY)
