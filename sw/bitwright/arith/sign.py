"""The element of one bit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers
from bitwright.arith.element import Codes, Element
from bitwright.arith.nearest import Real
from bitwright.arith.tiles import Scratch


@dataclass(frozen=True, slots=True)
class Sign(Element):
    """Code 1 for +1 (x >= 0, negative zero too) and code 0 for -1."""

    @property
    def bits(self) -> int:
        """One."""
        return 1

    @property
    def code_low(self) -> int:
        """Zero, which is -1."""
        return 0

    @property
    def code_high(self) -> int:
        """One, which is +1."""
        return 1

    @property
    def max(self) -> float:
        """One."""
        return 1.0

    @property
    def min(self) -> float:
        """Minus one."""
        return -1.0

    @property
    def min_step(self) -> float:
        """Two, from -1 to +1."""
        return 2.0

    def mantissas(self, codes: ArrayLike) -> tuple[Integers, Integers]:
        """Give (-1 or 1, 0) of each code."""
        array = self._checked(codes)
        return 2 * array - 1, np.zeros(array.shape, np.int64)

    def integers(self, codes: ArrayLike) -> tuple[Integers, int]:
        """Give -1 or 1 of each code, and 0: odd multiples of half the distance of the two."""
        return self.mantissas(codes)[0], 0

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Tell that every float type does."""
        return True

    def round(self, v: Real, scratch: Scratch) -> None:
        """Replace by the sign, that of zero being plus."""
        np.greater_equal(v, 0, out=v, casting="unsafe")
        v += v
        v -= v.dtype.type(1)

    def codes(self, v: Real, scratch: Scratch) -> Codes:
        """Give one for +1."""
        return (v > 0).view(np.uint8)
