"""pow<N> in torch: powers of two under one power of two per tensor or channel."""

import torch
from torch import Tensor

from bitwright.arith import PowerOfTwo
from bitwright.arith.exponents import GREATEST, LEAST
from bitwright.compress.fake.bits import nearest_exponent, power
from bitwright.compress.fake.elements import passing, round_to, wide_enough
from bitwright.compress.fake.layout import along
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted


class StaticPower(Twin[PowerOfTwo]):
    """Element times scale, a power of two; a learned scale counts as the power nearest to it.

    Gradients are those of `affine.Steps`, straight through the rounding of the scale.
    """

    has_range = True

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Divide by 2^X, round, multiply."""
        element = self.fmt.element
        shared = shared or self.derive(x)
        exponent = along(_exponent(shared.parameter), x, self.channel_axis)
        wide = wide_enough(element, x.dtype)
        v = x.to(wide) * power(-exponent, wide)
        elements = round_to(element, v)
        passes = passing(element, v) if wanted.any else None
        values = (elements * power(exponent, wide)).to(x.dtype)
        return Rounded(values, passes, wanted.slope(elements, v, passes))

    def from_range(self, low: Tensor, high: Tensor) -> Shared:
        """Give the power of two nearest to the greater end of the range."""
        return Shared(power(_exponent(torch.maximum(high, -low)), low.dtype))


def _exponent(magnitude: Tensor) -> Tensor:
    """Give the nearest exponent that is one; a learned scale may have become negative."""
    return nearest_exponent(magnitude.clamp(min=0)).clamp(LEAST, GREATEST)
