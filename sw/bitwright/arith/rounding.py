"""Rounding division by a power of two: the rounding rule of every later operation.

All of them are one formula. With q = floor(value / 2^shift), remainder r = value - q 2^shift and
half = 2^(shift-1), the result is q + (r + tie > half), where tie says who wins at r == half.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range

MAX_SHIFT = 62
"""The largest shift: 2^62 is the largest power of two in int64."""


class Rounding(StrEnum):
    """What happens to the part below the last bit kept."""

    HALF_UP = "half_up"
    """floor(x + 1/2): ties towards plus infinity; the hardware's default."""
    HALF_EVEN = "half_even"
    """To nearest, ties to the even integer."""
    HALF_AWAY = "half_away"
    """To nearest, ties away from zero."""
    FLOOR = "floor"
    """Towards minus infinity."""
    TRUNC = "trunc"
    """Towards zero."""
    TFLITE = "tflite"
    """Not one rounding but gemmlowp's two; for `requantize` only, see `bitwright.arith.tflite`."""


def as_rounding(rounding: Rounding | str) -> Rounding:
    """Give the `Rounding` of that name; ValueError listing the accepted names otherwise."""
    try:
        return Rounding(rounding)
    except ValueError:
        accepted = ", ".join(rule.value for rule in Rounding)
        raise ValueError(f"unknown rounding {rounding!r}; accepted: {accepted}") from None


def shift_round(
    value: ArrayLike, shift: ArrayLike, rounding: Rounding | str = Rounding.HALF_UP
) -> Integers:
    """Compute round(value / 2^shift) in int64, exactly, for every int64 value and shift 0..62.

    ``shift`` is an integer or an array that broadcasts against ``value``.

    >>> shift_round([5, 6, 7, -6], 2, "half_even")  # 1.25, 1.5, 1.75, -1.5
    array([ 1,  2,  2, -2])
    """
    exact = as_integers("value", value)
    places = as_integers("shift", shift)
    check_range("shift", places, 0, MAX_SHIFT)
    return shift_round_unchecked(exact, places, as_rounding(rounding))


def shift_round_unchecked(value: Integers, shift: Integers, rounding: Rounding) -> Integers:
    """Do what `shift_round` does, for int64 arrays whose ranges the caller has proved."""
    floor: NDArray[np.int64] = value >> shift
    if rounding is Rounding.FLOOR:
        return floor
    if rounding is Rounding.HALF_UP:
        # Bit shift-1 is the remainder's top bit: r >= half exactly when it is set. No sum that
        # could overflow is formed: with shift >= 1, |floor| <= 2^62. At shift 0 there is no
        # such bit, and min(shift, 1) masks it.
        top = value >> np.maximum(shift - 1, 0)
        top &= np.minimum(shift, 1)
        floor += top
        return floor
    # 0 <= r < 2^shift <= 2^62 and tie is 0 or 1: r + tie cannot overflow.
    remainder = value & ((np.int64(1) << shift) - 1)
    if rounding is Rounding.TRUNC:
        floor += (value < 0) & (remainder > 0)
        return floor
    # At shift 0 the remainder is 0; half = 1 then keeps 0 + tie from rounding up.
    half = np.int64(1) << np.maximum(shift - 1, 0)
    if rounding is Rounding.HALF_EVEN:
        remainder += floor & 1
    elif rounding is Rounding.HALF_AWAY:
        remainder += value >= 0
    else:
        raise ValueError(
            f"rounding {rounding.value!r} is for requantize only; "
            "accepted here: half_up, half_even, half_away, floor, trunc"
        )
    floor += remainder > half
    return floor
