"""Formats that share an exponent per block in torch: bfp, bm, bl and the OCP MX formats."""

import numpy as np
import torch
from torch import Tensor

from bitwright.arith import BlockFormat
from bitwright.arith.block import GreatestOfBlock
from bitwright.arith.exponents import GREATEST, LEAST
from bitwright.compress.fake.bits import floor_exponent, nearest_exponent, power
from bitwright.compress.fake.constant import constant
from bitwright.compress.fake.elements import round_to, wide_enough
from bitwright.compress.fake.layout import cut, join
from bitwright.compress.fake.parts import part_by_part
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted


class Blocks(Twin[BlockFormat]):
    """2^X per block, X from the block's greatest magnitude.

    The gradient passes for every finite number: the exponent follows the block's greatest
    magnitude, so that nothing finite lies beyond the block's range, which is its top binade and
    all below (Rouhani et al., Microscaling Data Formats for Deep Learning, 2023, pass everything,
    too). Numbers in the top binade above the element's greatest value, such as 7 in an mxfp4 block
    of scale 1, are no exception: without a gradient the very numbers that set the scale, in one
    block of five, would never move again.
    """

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Divide by 2^X, round, multiply: as `bitwright.arith.kernel` does."""
        v = cut(x.to(wide_enough(self.fmt.element, x.dtype)), self.axis, self.fmt.block)
        values = part_by_part(self._values, v.flatten(0, 1)).reshape(v.shape)
        passes = x.isfinite() if wanted.x else None
        return Rounded(join(values.to(x.dtype), self.axis, x), passes)

    def _values(self, v: Tensor) -> Tensor:
        """Give the values of (blocks, block)."""
        element, facts = self.fmt.element, _facts(self.fmt)
        greatest = v.abs().amax(1, keepdim=True).clamp_(max=torch.finfo(v.dtype).max)
        exponent = (nearest_exponent if facts.nearest else floor_exponent)(greatest)
        exponent = exponent.sub_(facts.top).clamp_(LEAST, GREATEST)
        v = v * power(-exponent, v.dtype)
        if facts.leaves_least:
            # Where the exponent is less, rounding saturates at the least element anyway.
            least = torch.where(exponent == GREATEST, -element.max, element.min)
            v = torch.maximum(v, least.to(v.dtype))
        return round_to(element, v).mul_(power(exponent, v.dtype))


@constant
def _facts(fmt: BlockFormat) -> GreatestOfBlock:
    """Give what numpy's side derives from the element."""
    return GreatestOfBlock(
        element=fmt.element,
        block=fmt.block,
        nearest=fmt.nearest_top,
        exponents=np.empty((0, 0), np.int16),
    )
