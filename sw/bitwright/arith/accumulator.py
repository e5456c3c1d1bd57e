"""How wide an accumulator must be: a proof from the actual weights."""

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import as_integers, check_range
from bitwright.arith.requantization import ACC_HIGH, ACC_LOW

_CODE_LIMIT = 1 << 16  # a 16-bit code, with or without its zero point subtracted


def accumulator_bits(weight: ArrayLike, bias: ArrayLike | None, low: int, high: int) -> int:
    """Compute 1 + ceil(log2(max over outputs of sum|w| max|a| + |bias| + 1)), the signed width.

    ``weight`` is (O, ...), ``bias`` (O,) or None, and activations a lie in low..high, as the array
    multiplies them (raw codes, or minus the zero point). The width holds every partial sum in every
    order: each is bounded by sum|w| max|a| + |bias|.

    >>> accumulator_bits([[127, -127]], [0], -128, 127)  # 2 127 128 = 32512 < 2^15
    16
    """
    weights = as_integers("weight", weight)
    if weights.ndim == 0:
        raise ValueError("weight must have an output axis, (O, ...), but is a scalar")
    check_range("weight", weights, -_CODE_LIMIT, _CODE_LIMIT)
    if low > high or max(-low, high) > _CODE_LIMIT:
        raise ValueError(f"low..high must be a range of codes within 2^16, but is {low}..{high}")
    outputs = weights.shape[0]
    offsets = as_integers("bias", np.zeros(outputs, np.int64) if bias is None else bias)
    if offsets.shape != (outputs,):
        raise ValueError(f"bias must have shape ({outputs},), but has {offsets.shape}")
    check_range("bias", offsets, ACC_LOW, ACC_HIGH)
    # sum|w| <= 2^16 K and max|a| <= 2^16: below 2^63 for every K below 2^30.
    sums = np.abs(weights).reshape(outputs, -1).sum(axis=1) if weights.size else offsets * 0
    bounds = sums * max(abs(low), abs(high)) + np.abs(offsets)
    # ceil(log2(n + 1)) is the bit length of n.
    return 1 + int(bounds.max(initial=0)).bit_length()
