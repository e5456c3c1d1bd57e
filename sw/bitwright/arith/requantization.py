"""Requantisation: accumulators to output codes, and the integer multipliers that do it."""

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.rounding import MAX_SHIFT, Rounding, as_rounding, shift_round_unchecked
from bitwright.arith.tflite import multiply_by_quantized_multiplier

MAX_MULTIPLIER = (1 << 31) - 1
ACC_LOW, ACC_HIGH = -(1 << 31), (1 << 31) - 1
SUMMAND_LIMIT = 1 << 17
"""Of the second operand of `requantize_sum`: a 16-bit code minus its zero point is below it."""


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
    """Compute clamp(zero_point + round(acc multiplier / 2^shift), low, high) in int64.

    ``acc`` is 32-bit signed, ``multiplier`` 0..2^31-1 and ``shift`` 0..62: scalars or arrays that
    broadcast against ``acc`` (the caller shapes them: ``m[:, None, None]``). ``low`` and ``high``
    are the ends of a fused clamp, by default those of a ``bits``-wide code. Rounding ``tflite``
    rounds twice and wants multipliers of 31 bits, see `bitwright.arith.tflite`.

    Exact: |acc multiplier| <= 2^31 (2^31 - 1) < 2^62, and the rounded quotient plus a zero point
    of 32 bits is below 2^63.

    Raises ValueError for a value outside those ranges, naming it; TypeError for non-integers.

    >>> requantize([3, 5, -3, 900], 1, 1, zero_point=0)  # 1.5, 2.5, -1.5, 450 saturates
    array([  2,   3,  -1, 127])
    """
    rule = as_rounding(rounding)
    sums = as_integers("acc", acc)
    factor, places = _scale(multiplier, shift)
    check_range("acc", sums, ACC_LOW, ACC_HIGH)
    least, greatest = code_range(zero_point, bits, signed, low, high)
    if rule is Rounding.TFLITE:
        rounded = multiply_by_quantized_multiplier(sums, factor, places)
    else:
        rounded = shift_round_unchecked(sums * factor, places, rule)
    rounded = rounded + np.int64(zero_point)
    return np.clip(rounded, least, greatest)


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
    """Compute clamp(zero_point + round((a multiplier_a + b multiplier_b) / 2^shift), low, high).

    The residual add, rounded once: ``a`` is an accumulator (32-bit signed), ``b`` a code minus its
    zero point (|b| <= 2^17). All else is as in `requantize`, but for rounding ``tflite``, which has
    no such operation and is refused.

    Exact: |a ma| <= 2^31 (2^31 - 1) = 2^62 - 2^31 and |b mb| < 2^48, so that the sum
    is below 2^62 + 2^48 < 2^63.

    >>> requantize_sum([1, 300], 1, [2, 0], 1, 1)  # 1.5, 150 saturates
    array([  2, 127])
    """
    rule = as_rounding(rounding)
    if rule is Rounding.TFLITE:
        raise ValueError(
            "requantize_sum rounds once and has no 'tflite' mode; "
            "accepted: half_up, half_even, half_away, floor, trunc"
        )
    first, second = as_integers("a", a), as_integers("b", b)
    factor_a, places = _scale(multiplier_a, shift)
    factor_b, _ = _scale(multiplier_b, 0)
    check_range("a", first, ACC_LOW, ACC_HIGH)
    check_range("b", second, -SUMMAND_LIMIT, SUMMAND_LIMIT)
    least, greatest = code_range(zero_point, bits, signed, low, high)
    rounded = shift_round_unchecked(first * factor_a + second * factor_b, places, rule)
    rounded = rounded + np.int64(zero_point)
    return np.clip(rounded, least, greatest)


def code_range(
    zero_point: int, bits: int, signed: bool, low: int | None = None, high: int | None = None
) -> tuple[int, int]:
    """Give the clamp (low, high) of ``bits``-wide codes; ValueError unless it is in their range.

    >>> code_range(-3, 8, True, low=-3)
    (-3, 127)
    """
    if not 1 <= bits <= 32:
        raise ValueError(f"bits must lie in 1..32, but is {bits}")
    least = -(1 << (bits - 1)) if signed else 0
    greatest = least + (1 << bits) - 1
    kind = "signed" if signed else "unsigned"
    bottom = least if low is None else int(low)
    top = greatest if high is None else int(high)
    for name, value in (("zero_point", zero_point), ("low", bottom), ("high", top)):
        if not least <= value <= greatest:
            raise ValueError(
                f"{name} must be a {bits}-bit {kind} code, {least}..{greatest}, but is {value}"
            )
    if bottom > top:
        raise ValueError(f"low must not exceed high, but low is {bottom} and high {top}")
    return bottom, top


def _scale(multiplier: ArrayLike, shift: ArrayLike) -> tuple[Integers, Integers]:
    factor, places = as_integers("multiplier", multiplier), as_integers("shift", shift)
    check_range("multiplier", factor, 0, MAX_MULTIPLIER)
    check_range("shift", places, 0, MAX_SHIFT)
    return factor, places
