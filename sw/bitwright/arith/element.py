"""What the codes of one element mean, apart from any shared part.

Every value is an integer multiple of a power of two. An element rounds floats to its values in
place (the fast way, for arrays that fit a cache) and turns values into codes; what codes are worth
is said once, by `Element.mantissas`.
"""

from abc import ABC, abstractmethod
from functools import lru_cache
from math import frexp
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.nearest import Real
from bitwright.arith.tiles import Scratch

Codes = NDArray[np.integer[Any]]

TABLE_BITS = 16
"""Widest element, in bits, whose values are looked up in a table and listed."""
_INTEGER_BITS = 62


class Element(ABC):
    """Codes and their values. Instances are immutable and hashable."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """The width of a code."""

    @property
    @abstractmethod
    def code_low(self) -> int:
        """The least code; negative codes are stored in two's complement."""

    @property
    @abstractmethod
    def code_high(self) -> int:
        """The greatest code."""

    @property
    @abstractmethod
    def max(self) -> float:
        """The largest finite value."""

    @property
    @abstractmethod
    def min(self) -> float:
        """The least finite value."""

    @property
    @abstractmethod
    def min_step(self) -> float:
        """The smallest distance of two values."""

    @abstractmethod
    def mantissas(self, codes: ArrayLike) -> tuple[Integers, Integers]:
        """Give integers (m, e) of each code, so that its value is m 2^e.

        ValueError for a code out of range and for one without a finite value.
        """

    @abstractmethod
    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Tell whether `round` and `codes` are exact on arrays of that float type."""

    @abstractmethod
    def round(self, v: Real, scratch: Scratch) -> None:
        """Replace each of ``v`` (no NaN) by the nearest value: ties to even code, saturated.

        ``v`` is contiguous and of a type that `fits`.
        """

    @abstractmethod
    def codes(self, v: Real, scratch: Scratch) -> Codes:
        """Give the codes of ``v``, which `round` has made values of this element."""

    @property
    def signed(self) -> bool:
        """Whether codes are two's complement; otherwise they are not negative."""
        return self.code_low < 0

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The narrowest integer type of 8, 16 or 32 bits that holds every code."""
        width = next(w for w in (8, 16, 32) if w >= self.bits)
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    def integers(self, codes: ArrayLike) -> tuple[Integers, int]:
        """Give (q, e): each value is q 2^e, in one step 2^e for all codes of the element.

        ValueError where q would need more than 63 bits; `mantissas` then gives a step per code.
        """
        mantissas, exponents = self.mantissas(codes)
        step = frexp(self.min_step)[1] - 1  # a power of two
        if max(self.max, -self.min) >= 2.0 ** (step + _INTEGER_BITS):
            raise ValueError(
                f"multiples of the least step 2^{step} up to {self.max!r} exceed 63 bits; "
                "mantissas() gives each code an exponent of its own"
            )
        return mantissas << (exponents - step), step

    def values(self) -> NDArray[np.float64]:
        """Give the value of every code from `code_low` up, NaN and infinities included."""
        return np.asarray(_table(self, np.dtype(np.float64))).astype(np.float64)

    def decode(self, codes: Codes, dtype: np.dtype[Any]) -> Real:
        """Give the values of codes, rounded to ``dtype`` where it does not hold them."""
        if self.bits > TABLE_BITS:
            mantissas, exponents = self.mantissas(codes)
            return np.asarray(np.ldexp(mantissas.astype(np.float64), exponents).astype(dtype))
        check_range("codes", codes, self.code_low, self.code_high)
        offsets = codes if self.code_low == 0 else codes.astype(np.int64) - self.code_low
        return np.asarray(_table(self, dtype).take(offsets))

    def _every_value(self) -> NDArray[np.float64]:
        """Compute what `values` gives; an element with codes that are no numbers adds them."""
        mantissas, exponents = self.mantissas(np.arange(self.code_low, self.code_high + 1))
        return np.ldexp(mantissas.astype(np.float64), exponents)

    def _checked(self, codes: ArrayLike) -> Integers:
        array = as_integers("codes", codes)
        check_range("codes", array, self.code_low, self.code_high)
        return array


@lru_cache(maxsize=64)
def _table(element: Element, dtype: np.dtype[Any]) -> Real:
    with np.errstate(over="ignore"):
        table: Real = element._every_value().astype(dtype)
    table.flags.writeable = False
    return table
