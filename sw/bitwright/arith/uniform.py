"""Elements in equal steps: the value of code q is q 2^-fraction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers
from bitwright.arith.element import Codes, Element
from bitwright.arith.nearest import Real
from bitwright.arith.tiles import Scratch

_SCALE_LIMIT = 96


@dataclass(frozen=True, slots=True)
class Uniform(Element):
    """Two's complement or unsigned integers low..high, as many fraction bits as given.

    There is one zero: negative numbers that round to it, and -0.0, become +0.0.
    """

    low: int
    high: int
    fraction: int = 0

    @property
    def bits(self) -> int:
        """As many as every code needs."""
        if self.low < 0:
            return 1 + max((-self.low - 1).bit_length(), self.high.bit_length())
        return max(self.high.bit_length(), 1)

    @property
    def code_low(self) -> int:
        """The least code."""
        return self.low

    @property
    def code_high(self) -> int:
        """The greatest code."""
        return self.high

    @property
    def max(self) -> float:
        """High times the step."""
        return self.high * self.min_step

    @property
    def min(self) -> float:
        """Low times the step."""
        return self.low * self.min_step

    @property
    def min_step(self) -> float:
        """2^-fraction."""
        return 2.0**-self.fraction

    def mantissas(self, codes: ArrayLike) -> tuple[Integers, Integers]:
        """Give (q, -fraction) of each code."""
        array = self._checked(codes)
        return array, np.full(array.shape, -self.fraction)

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Tell whether every q is exact, and every q 2^-fraction normal, in that float type."""
        reach = max(-self.low, self.high)
        return reach <= 1 << (np.finfo(dtype).nmant + 1) and abs(self.fraction) <= _SCALE_LIMIT

    def round(self, v: Real, scratch: Scratch) -> None:
        """Round to nearest, ties to the even code, saturated.

        The product with 2^fraction is exact, or below any half where it is subnormal.
        """
        self._to_integers(v, v)
        v *= v.dtype.type(self.min_step)

    def codes(self, v: Real, scratch: Scratch) -> Codes:
        """Give v 2^fraction as integers."""
        integral = scratch.like("integral", v)
        self._to_integers(v, integral)
        return integral.astype(self.code_dtype)

    def _to_integers(self, v: Real, out: Real) -> None:
        real = v.dtype.type
        np.multiply(v, real(2.0**self.fraction), out=out)
        np.rint(out, out=out)
        np.clip(out, real(self.low), real(self.high), out=out)
        out += real(0)  # -0.0 + 0.0 = 0.0
