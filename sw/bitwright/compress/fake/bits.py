"""Floats as bit patterns in torch: the twin of `bitwright.arith.exponents`.

Exponents come from the bits, and powers of two are put together from them: no logarithm and no
`torch.ldexp`, which multiplies by a power that may overflow where the result does not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bitwright.arith.exponents import LEAST

_INTEGERS = {torch.float32: torch.int32, torch.float64: torch.int64}
NUMPY: dict[torch.dtype, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a float type."""

    exponent_bits: int
    mantissa_bits: int
    least: int
    """The exponent of the least normal number."""

    @property
    def field_mask(self) -> int:
        """The bits of the exponent field."""
        return ((1 << self.exponent_bits) - 1) << self.mantissa_bits

    def field(self, exponent: int) -> int:
        """Give the exponent field of normal numbers of that exponent."""
        return exponent - self.least + 1


_LAYOUTS = {
    dtype: Layout(int(np.finfo(t).nexp), int(np.finfo(t).nmant), int(np.finfo(t).minexp))
    for dtype, t in NUMPY.items()
}


def layout(dtype: torch.dtype) -> Layout:
    """Give the fields of float32 or float64."""
    return _LAYOUTS[dtype]


def pattern(x: Tensor) -> Tensor:
    """Give the bits of ``x`` as signed integers, sharing its memory."""
    return x.view(_INTEGERS[x.dtype])


def floor_exponent(magnitude: Tensor) -> Tensor:
    """Compute floor(log2 magnitude) of finite numbers, not negative, or something below `LEAST`.

    >>> floor_exponent(torch.tensor([1, 1.999, 2**20 * (1 - 2**-24)])).tolist()
    [0, 0, 19]
    """
    fields = layout(magnitude.dtype)
    # The exponent field of zeros and subnormals is 0: taken for least - 1, at most LEAST.
    return (pattern(magnitude) >> fields.mantissa_bits) + (fields.least - 1)


def nearest_exponent(magnitude: Tensor) -> Tensor:
    """Give the exponent of the power of two nearest in value, ties up; `LEAST` or below as it is.

    >>> nearest_exponent(torch.tensor([1, 1.499, 1.5])).tolist()
    [0, 0, 1]
    """
    fields = layout(magnitude.dtype)
    bits = pattern(magnitude)
    half = 1 << (fields.mantissa_bits - 1)
    # 1.5 2^(least-1) is the subnormal with mantissa 0.75; a half of carry would start at 0.5.
    carried = bits + torch.where(bits < 2 * half, half // 2, half)
    return (carried >> fields.mantissa_bits) + (fields.least - 1)


def power(exponent: Tensor, dtype: torch.dtype) -> Tensor:
    """Give 2^exponent, from `LEAST` on in float32.

    >>> power(torch.tensor([-127, -1, 3]), torch.float32).tolist() == [2**-127, 0.5, 8]
    True
    """
    fields = layout(dtype)
    field = exponent.to(_INTEGERS[dtype]) + fields.field(0)
    bits = field << fields.mantissa_bits
    if fields.least > LEAST:  # 2^LEAST is subnormal
        bits = torch.where(field > 0, bits, 1 << (fields.mantissa_bits - 1))
    return bits.view(dtype)


def below(x: Tensor) -> Tensor:
    """Give the float next to each positive number, towards zero."""
    return (pattern(x) - 1).view(x.dtype)
