"""codebook<K> in torch: the nearest of K centroids."""

from typing import Any

import torch
from torch import Tensor

from bitwright.arith import Codebook, Integer
from bitwright.compress.fake.affine import Steps
from bitwright.compress.fake.elements import value_type
from bitwright.compress.fake.scalar import Unshared
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted


class Nearest(Twin[Codebook]):
    """Centroids, rounded to their format, and thresholds halfway between each two.

    The gradient of x passes from the least to the greatest centroid. That of a centroid is the sum
    over the numbers it stands for (Han et al., Deep Compression, 2016, section 3), straight through
    the rounding to its format.
    """

    dtypes = (torch.float32,)
    has_range = True

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Count the thresholds that each number has reached."""
        shared = shared or self.derive(x)
        chosen, order = shared.parameter.to(x.dtype).sort()
        centroids = self._rounding().round(chosen, None, Wanted()).values
        starts = _starts(centroids)
        place = torch.bucketize(x.contiguous(), _thresholds(centroids, starts, x.dtype), right=True)
        values = centroids[place].to(value_type(self.fmt, x.dtype))
        passes = (x >= centroids[0]) & (x <= centroids[-1]) if wanted.x else None
        return Rounded(values, passes, order[starts[place]] if wanted.parameter else None)

    def from_range(self, low: Tensor, high: Tensor) -> Shared:
        """Give centroids that divide the range evenly, as ``np.linspace`` rounds them."""
        last = torch.full_like(low, self.fmt.centroids - 1)  # see affine.Steps.from_range
        # Halved: their difference may overflow.
        low, high = low / 2, high / 2
        place = torch.arange(self.fmt.centroids, dtype=low.dtype, device=low.device)
        delta = high - low
        step = delta / last
        even = torch.where(step == 0, place / last * delta, place * step) + low
        return Shared(2 * torch.cat([even[:-1], high.reshape(1)]))

    def _rounding(self) -> Twin[Any]:
        """Give the twin of the centroids' format."""
        fmt = self.fmt.centroid_format
        return Steps(fmt, narrow=True) if isinstance(fmt, Integer) else Unshared(fmt)

    def pull(self, grad: Tensor, trace: Tensor, parameter: Tensor) -> Tensor:
        """Sum the gradient over each centroid's numbers."""
        total = torch.zeros_like(parameter)
        return total.index_add(0, trace.reshape(-1), grad.reshape(-1).to(total.dtype))


def _starts(centroids: Tensor) -> Tensor:
    """Give, for each centroid, the index of the first of those equal to it."""
    places = torch.arange(len(centroids), device=centroids.device)
    new = torch.cat([places[:1] == 0, centroids[1:] != centroids[:-1]])
    return torch.where(new, places, 0).cummax(0).values


def _thresholds(centroids: Tensor, starts: Tensor, dtype: torch.dtype) -> Tensor:
    """Give, between each two centroids, the least float that goes to the upper one.

    Between equal ones it is the threshold before, so that all are reached at once. The middle of
    two centroids is exact in float64: both are multiples, by up to 2^32, of one float32.
    """
    below, above = centroids[:-1].double(), centroids[1:].double()
    middle = (below + above) / 2
    strict = (starts[:-1] % 2 == 0) | (starts[1:] % 2 == 1)
    reached = middle.to(dtype)
    short = (reached.double() < middle) | (strict & (reached.double() == middle))
    reached = torch.where(short, reached.nextafter(torch.full_like(reached, torch.inf)), reached)
    return reached.masked_fill(below == above, -torch.inf).cummax(0).values
