"""nvfp4 in torch: an FP8 scale per block under a float32 scale per tensor."""

import torch
from torch import Tensor

from bitwright.arith import Nvfp4
from bitwright.arith.nvfp4 import BLOCK
from bitwright.arith.scalar import fp8_element
from bitwright.compress.fake.elements import round_to
from bitwright.compress.fake.layout import cut, finite_extremes, join
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted

_SCALE = fp8_element(4)


class TwoLevels(Twin[Nvfp4]):
    """Element, block scale and tensor scale; the gradient passes as in `block.Blocks`."""

    dtypes = (torch.float32,)

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Compute both quotients in float64, where those of float32 compare as the exact ones."""
        element = self.fmt.element
        tensor = self._tensor_scale(x).double()
        v = cut(x.double(), self.axis, BLOCK)
        scale = round_to(_SCALE, v.abs().amax(2, keepdim=True) / (tensor * element.max))
        product = scale * tensor
        # Zeros under a block scale of zero.
        v = v / product.masked_fill(product == 0, torch.inf)
        values = round_to(element, v).mul_(product).to(x.dtype)
        passes = x.isfinite() if wanted.x else None
        return Rounded(join(values, self.axis, x), passes)

    def _tensor_scale(self, x: Tensor) -> Tensor:
        """Compute amax / (6 448), at least the least normal float32; 1 where all is zero.

        The float64 quotient rounds to the float32 nearest to the exact one: it would have to be a
        tie of 25 bits otherwise, from which an exact quotient by 21 2^7 is further away.
        """
        low, high = finite_extremes(x, None)
        peak = torch.maximum(-low, high)
        reach = self.fmt.element.max * _SCALE.max
        # No value overflows: 2688 = 21 2^7 divides float32's largest, (2^24 - 1) 2^104.
        scale = (peak.double() / reach).to(x.dtype).clamp(min=torch.finfo(x.dtype).tiny)
        return torch.where(peak == 0, torch.ones_like(scale), scale)
