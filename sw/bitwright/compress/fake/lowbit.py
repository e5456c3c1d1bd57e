"""binary and ternary in torch."""

import torch
from torch import Tensor

from bitwright.arith import Binary, Ternary
from bitwright.arith.lowbit import TERNARY_THRESHOLD
from bitwright.compress.fake.elements import round_to
from bitwright.compress.fake.layout import along, by_channel
from bitwright.compress.fake.means import mean_magnitude, rounded, rounded_down
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted

CLIP = 1.0
"""Magnitude up to which the gradient passes."""


class LowBit(Twin[Binary | Ternary]):
    """Element times scale, whatever the scale.

    The gradient of x passes where abs(x) <= 1, that of a hard tanh, whatever the scale (Hubara et
    al., Binarized Neural Networks, 2016, section 1.3; Rastegari et al., XNOR-Net, 2016). That of
    the scale is, per element, the element.
    """

    dtypes = (torch.float32,)

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Compare with the threshold; multiply by the scale."""
        shared = shared or self.derive(x)
        elements = round_to(self.fmt.element, self._elements(x))
        values = elements * along(self._admissible(shared.parameter), x, self.channel_axis)
        passes = x.abs() <= CLIP if wanted.x else None
        return Rounded(values, passes, elements if wanted.parameter else None)

    def derive(self, x: Tensor) -> Shared:
        """Give 1, or the mean."""
        if not self.mean:
            return Shared(torch.ones((), dtype=x.dtype, device=x.device))
        return Shared(self.initial(x))

    def initial(self, x: Tensor) -> Tensor:
        """Give the mean magnitude of the finite numbers that do not become zero, or 1."""
        matrix = by_channel(x, self.channel_axis)
        mean = rounded(mean_magnitude(matrix, matrix.isfinite() & self._kept(matrix)))
        scale = mean.clamp(min=torch.finfo(x.dtype).tiny)
        scale = torch.where(mean > 0, scale, torch.ones_like(scale))
        return scale.reshape(()) if self.channel_axis is None else scale

    def _elements(self, x: Tensor) -> Tensor:
        """Give numbers whose nearest elements are those of ``x``."""
        return x

    def _kept(self, matrix: Tensor) -> Tensor:
        """Tell which numbers, a row per channel, do not become zero."""
        return torch.ones_like(matrix, dtype=torch.bool)

    def _admissible(self, scale: Tensor) -> Tensor:
        """Keep a learned scale positive and finite, as `affine.Steps` does."""
        facts = torch.finfo(scale.dtype)
        return scale.clamp(facts.tiny, facts.max) if self.learned else scale


class Signs(LowBit):
    """+1 and -1."""


class Thirds(LowBit):
    """Zero up to 0.7 of the mean magnitude."""

    def _elements(self, x: Tensor) -> Tensor:
        threshold = self._threshold(by_channel(x, self.channel_axis))
        if self.channel_axis is None:
            threshold = threshold.reshape(())
        kept = x.abs() > along(threshold, x, self.channel_axis)
        return x.sign().masked_fill(~kept, 0)

    def _kept(self, matrix: Tensor) -> Tensor:
        return matrix.abs() > self._threshold(matrix)[:, None]

    def _threshold(self, matrix: Tensor) -> Tensor:
        """Give the greatest float32 that is not above the fraction of the mean, per row."""
        return rounded_down(mean_magnitude(matrix, matrix.isfinite(), TERNARY_THRESHOLD))
