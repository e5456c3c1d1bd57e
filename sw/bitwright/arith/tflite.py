"""The double rounding of TensorFlow Lite Micro's int8 kernels, bit for bit.

Source: gemmlowp ``fixedpoint/fixedpoint.h`` (SaturatingRoundingDoublingHighMul,
RoundingDivideByPOT) and TensorFlow Lite ``kernels/internal/common.cc``
(MultiplyByQuantizedMultiplier, without TFLITE_SINGLE_ROUNDING).
"""

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.rounding import Rounding, shift_round_unchecked

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike) -> Integers:
    """Compute round(a b / 2^31), half up, saturated to int32.

    Only INT32_MIN INT32_MIN, whose quotient is 2^31, saturates: the result is INT32_MAX.
    `requantize` never meets that corner, because its multipliers are not negative.

    gemmlowp adds the nudge 2^30 (a b >= 0) or 1 - 2^30 (a b < 0) and divides towards zero. For
    a b >= 0 that is floor(ab/2^31 + 1/2). For a b < 0 it is -floor((|ab| + 2^30 - 1) / 2^31), which
    takes a tie |ab| = (k + 1/2) 2^31 to -k: up again. Hence both are half up.

    >>> saturating_rounding_doubling_high_mul([1 << 30, -(1 << 30), -(1 << 31)], [1, 1, -(1 << 31)])
    array([         1,          0, 2147483647])
    """
    first = as_integers("a", a)
    second = as_integers("b", b)
    check_range("a", first, INT32_MIN, INT32_MAX)
    check_range("b", second, INT32_MIN, INT32_MAX)
    # |a b| <= 2^62: exact in int64.
    high = shift_round_unchecked(first * second, np.asarray(np.int64(31)), Rounding.HALF_UP)
    return np.minimum(high, INT32_MAX)


def multiply_by_quantized_multiplier(
    acc: Integers, multiplier: Integers, shift: Integers
) -> Integers:
    """Compute acc multiplier / 2^shift with gemmlowp's two roundings, half up and then half away.

    With exponent = 31 - shift, left = max(exponent, 0) and right = max(-exponent, 0): the high
    product of acc 2^left and the multiplier, then a rounding division by 2^right. acc 2^left
    saturates to int32, where the published code overflows (undefined in C++).

    ``acc`` is 32-bit signed and ``shift`` 0..62 (the caller has checked); ``multiplier`` is 0 or
    2^30 .. 2^31-1, ValueError otherwise.
    """
    check_normalised(multiplier)
    left = np.maximum(31 - shift, 0)
    right = np.maximum(shift - 31, 0)
    # |acc| <= 2^31 and left <= 31: |acc 2^left| <= 2^62, exact in int64 before it saturates.
    shifted = np.clip(acc << left, INT32_MIN, INT32_MAX)
    high = shift_round_unchecked(shifted * multiplier, np.asarray(np.int64(31)), Rounding.HALF_UP)
    # RoundingDivideByPOT adds 1 if remainder > (mask >> 1) + (x < 0): half away from zero.
    return shift_round_unchecked(high, right, Rounding.HALF_AWAY)


def check_normalised(multiplier: Integers) -> None:
    """Raise ValueError unless every multiplier is 0 or has 31 bits: 2^30 .. 2^31-1."""
    offends = (multiplier != 0) & ((multiplier < (1 << 30)) | (multiplier > INT32_MAX))
    if offends.any():
        value = int(multiplier[tuple(np.argwhere(offends)[0])])
        raise ValueError(
            f"rounding 'tflite' needs multipliers 0 or {1 << 30}..{INT32_MAX}, but got {value}; "
            "quantize_multiplier(real, bits=31) gives such a one where shift allows"
        )
