"""Integer multipliers from real factors: the one place where a float scale enters the integers."""

from typing import overload

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import Integers
from bitwright.arith.rounding import MAX_SHIFT, Rounding, shift_round_unchecked

_FRACTION_BITS = 53  # of a float64


@overload
def quantize_multiplier(real: float, bits: int = 31) -> tuple[int, int]: ...
@overload
def quantize_multiplier(
    real: NDArray[np.floating], bits: int = 31
) -> tuple[Integers, Integers]: ...
def quantize_multiplier(
    real: float | NDArray[np.floating], bits: int = 31
) -> tuple[int, int] | tuple[Integers, Integers]:
    """Give (multiplier, shift) with multiplier / 2^shift nearest to ``real``, ties up.

    The multiplier is below 2^bits and has its top bit set, except where that would need a shift
    above 62: the shift is 62 then, and the multiplier as small as it comes (0 below 2^-63). 0 gives
    (0, 0). An array gives two arrays of its shape.

    Raises ValueError if ``real`` is negative, not finite or so large that it rounds to 2^bits or
    more (no shift below 0), and if bits is not 1..31.

    >>> quantize_multiplier(0.75), quantize_multiplier(0.3, bits=8)
    ((1610612736, 31), (154, 9))
    """
    if not 1 <= bits <= 31:
        raise ValueError(f"bits must lie in 1..31, but is {bits}")
    factor = np.asarray(real, dtype=np.float64)
    fraction, exponent = np.frexp(factor)  # real = fraction 2^exponent, 1/2 <= fraction < 1
    bad = ~np.isfinite(factor) | (factor < 0)
    if bad.any():
        _refuse(factor, bad, "must be finite and not negative")
    # fraction 2^53 is an integer below 2^53: from here on everything is exact.
    mantissa = np.ldexp(fraction, _FRACTION_BITS).astype(np.int64)
    shift = bits - exponent.astype(np.int64)
    excess = np.maximum(shift - MAX_SHIFT, 0)
    # 22 <= 53 - bits, and below 2^-63 the mantissa is gone whatever is shifted: 62 is enough.
    dropped = np.minimum(_FRACTION_BITS - bits + excess, MAX_SHIFT)
    multiplier = shift_round_unchecked(mantissa, dropped, Rounding.HALF_UP)
    shift = shift - excess
    carried = multiplier == (1 << bits)  # rounding carried into a new bit: 2^bits = 2^(bits-1) 2
    multiplier = np.where(carried, multiplier >> 1, multiplier)
    shift = np.where(carried, shift - 1, shift)
    shift = np.where(multiplier == 0, 0, shift)
    if (shift < 0).any():
        _refuse(factor, shift < 0, f"must stay below 2^{bits}, as a shift cannot be negative")
    if np.ndim(real) == 0:
        return int(multiplier), int(shift)
    return multiplier, shift


def _refuse(factor: NDArray[np.float64], offends: NDArray[np.bool_], rule: str) -> None:
    index = tuple(int(i) for i in np.argwhere(offends)[0])
    place = f" at index {index}" if index else ""
    raise ValueError(f"a multiplier {rule}, but {float(factor[index])!r}{place} does not comply")
