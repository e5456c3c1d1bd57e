"""Formats whose elements are the values: minifloats of every kind, FP8 and fixed point."""

from torch import Tensor

from bitwright.arith import Fixed
from bitwright.arith.scalar import Scalar
from bitwright.compress.fake.elements import passing, round_to, value_type, wide_enough
from bitwright.compress.fake.twin import Rounded, Shared, Twin, Wanted


class Unshared(Twin[Scalar | Fixed]):
    """Nothing is shared. Values that float32 does not hold are float64, as numpy's are."""

    def round(self, x: Tensor, shared: Shared | None, wanted: Wanted) -> Rounded:
        """Round to the nearest element; the gradient is zero where that saturated."""
        element = self.fmt.element
        v = x.to(wide_enough(element, x.dtype))
        values = round_to(element, v).to(value_type(self.fmt, x.dtype))
        return Rounded(values, passing(element, v) if wanted.x else None)
