"""Elements with a sign bit: minifloats, denormalised minifloats, sign-magnitude, powers of two.

A code is sign, exponent field e and mantissa field f, from the top bit down; its magnitude is

- with the implicit one: (2^M + f) 2^(e-bias-M), or f 2^(1-bias-M) where e = 0;
- without it: f 2^(e-bias-M).

Without an exponent field (E = 0, no implicit one) that is a sign-magnitude integer; without a
mantissa field (M = 0, implicit one) zero and the powers of two. In every case the values form one
grid: steps of 2^(max(floor(log2 |v|), least) - precision) up to a largest value, which is all that
rounding has to know.

Negative zero is a value of its own: the sign bit is that of the number rounded.
"""

from dataclasses import dataclass
from enum import Enum
from math import frexp, ldexp
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers
from bitwright.arith.element import Codes, Element
from bitwright.arith.nearest import Real
from bitwright.arith.tiles import Scratch


class Specials(Enum):
    """Which codes are no finite numbers."""

    NONE = "none"
    """Every code is finite."""
    NAN = "nan"
    """The greatest code of each sign is NaN (OCP FP8 E4M3)."""
    IEEE = "ieee"
    """The top exponent holds infinity and NaN (OCP FP8 E5M2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minifloat(Element):
    """Sign, ``exponent_bits`` and ``mantissa_bits``."""

    exponent_bits: int
    mantissa_bits: int
    bias: int
    implicit_one: bool = True
    specials: Specials = Specials.NONE

    @property
    def bits(self) -> int:
        """1 + E + M."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def code_low(self) -> int:
        """Zero: codes are bit patterns."""
        return 0

    @property
    def code_high(self) -> int:
        """2^bits - 1."""
        return (1 << self.bits) - 1

    @property
    def least(self) -> int:
        """The exponent of the lowest binade: below it the step stays."""
        return 1 - self.bias if self.implicit_one else -1 - self.bias

    @property
    def precision(self) -> int:
        """Mantissa bits after the leading one."""
        return self.mantissa_bits if self.implicit_one else self.mantissa_bits - 1

    @property
    def top(self) -> int:
        """The exponent of the largest value."""
        return frexp(self.max)[1] - 1

    @property
    def max(self) -> float:
        """The value of the greatest finite magnitude."""
        field, fraction = divmod(self._finite - 1, 1 << self.mantissa_bits)
        one = 1 << self.mantissa_bits if self.implicit_one and field else 0
        lowest = 1 if self.implicit_one else 0
        return ldexp(one + fraction, max(field, lowest) - self.bias - self.mantissa_bits)

    @property
    def min(self) -> float:
        """Minus the largest value."""
        return -self.max

    @property
    def min_step(self) -> float:
        """2^(least - precision)."""
        return 2.0 ** (self.least - self.precision)

    @property
    def _finite(self) -> int:
        """How many magnitudes are finite; those from here up are not."""
        reserved = {Specials.NONE: 0, Specials.NAN: 1, Specials.IEEE: 1 << self.mantissa_bits}
        return (1 << (self.bits - 1)) - reserved[self.specials]

    def mantissas(self, codes: ArrayLike) -> tuple[Integers, Integers]:
        """Give integers (m, e) of each code; ValueError for a code that is not finite."""
        array = self._checked(codes)
        magnitude = array & ((1 << (self.bits - 1)) - 1)
        if (magnitude >= self._finite).any():
            code = int(array[magnitude >= self._finite][0])
            raise ValueError(f"code {code:#x} is not a finite number")
        mantissa, exponent = self._magnitude(magnitude)
        return np.where(array >> (self.bits - 1), -mantissa, mantissa), exponent

    def _magnitude(self, magnitude: Integers) -> tuple[Integers, Integers]:
        field = magnitude >> self.mantissa_bits
        fraction = magnitude & ((1 << self.mantissa_bits) - 1)
        if not self.implicit_one:
            return fraction, field - self.bias - self.mantissa_bits
        one = np.minimum(field, 1) << self.mantissa_bits
        return fraction + one, np.maximum(field, 1) - self.bias - self.mantissa_bits

    def _every_value(self) -> NDArray[np.float64]:
        magnitude = np.arange(1 << (self.bits - 1))
        mantissa, exponent = self._magnitude(magnitude)
        values = np.ldexp(mantissa.astype(np.float64), exponent)
        values[self._finite :] = np.nan
        if self.specials is Specials.IEEE:
            values[self._finite] = np.inf
        return np.concatenate([values, -values])

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Tell whether that float type holds all that `round` computes.

        The float 2^(nmant - precision) times a value's binade must exist, and numbers that scaling
        by a power of two left subnormal, hence inexact, must lie below half the least value.
        """
        info = np.finfo(dtype)
        return (
            info.nmant > self.precision
            and self.top + info.nmant - self.precision < info.maxexp
            and self.least - self.precision - 1 >= info.minexp
        )

    def round(self, v: Real, scratch: Scratch) -> None:
        """Round to nearest, ties to the even code, saturated, keeping the sign of zero.

        Adding 2^nmant steps leaves no room for bits below the step: the float addition itself
        rounds half to even, and subtracting them again is exact. A magnitude that rounds up into
        the next binade is right there: 2^(precision+1) steps.
        """
        bits, magnitude = v.view(_integer(v.dtype)), scratch.like("magnitude", v)
        np.abs(v, out=magnitude)
        # Not np.minimum with one number: numpy vectorises clip, and that not.
        np.clip(magnitude, 0, v.dtype.type(self.max), out=magnitude)
        anchor = self._anchors(magnitude, scratch)
        if self.precision == 0:
            self._nudge_ties(magnitude, anchor, scratch)
        magnitude += anchor
        magnitude -= anchor
        bits &= bits.dtype.type(np.iinfo(bits.dtype).min)
        bits |= magnitude.view(bits.dtype)

    def codes(self, v: Real, scratch: Scratch) -> Codes:
        """Give sign, exponent field and mantissa field as one unsigned integer.

        With q = |v| / step and e' = max(floor(log2 |v|), least), the magnitude is
        (e' - least) 2^M + q: an implicit one in q is the carry that makes the exponent field.
        """
        bits, magnitude = v.view(_integer(v.dtype)), scratch.like("magnitude", v)
        np.abs(v, out=magnitude)
        anchor = self._anchors(magnitude, scratch)
        magnitude += anchor
        code, base = magnitude.view(bits.dtype), anchor.view(bits.dtype)
        code -= base  # 2^nmant + q and 2^nmant differ in the mantissa's q alone
        if self.exponent_bits:
            base >>= np.finfo(v.dtype).nmant
            base -= self._anchor_field(self.least, v.dtype)
            base <<= self.mantissa_bits
            code += base
        sign = np.less(bits, 0, out=scratch.like("sign", v, np.bool_))
        result = code.astype(self.code_dtype)
        result |= np.left_shift(sign, self.bits - 1, dtype=self.code_dtype, casting="unsafe")
        return result

    def _anchors(self, magnitude: Real, scratch: Scratch) -> Real:
        """Compute 2^nmant times each magnitude's step, by its exponent field alone."""
        info = np.finfo(magnitude.dtype)
        integer = _integer(magnitude.dtype)
        if not self.exponent_bits:
            only = self.least + int(info.nmant) - self.precision
            return np.full(1, 2.0**only, magnitude.dtype)
        anchor = scratch.like("anchor", magnitude)
        field = anchor.view(integer)
        least = self.least - info.minexp + 1
        infinity = integer.type(((1 << info.nexp) - 1) << info.nmant)
        np.bitwise_and(magnitude.view(integer), infinity, out=field)
        np.clip(field, integer.type(least << info.nmant), infinity, out=field)
        field += integer.type((info.nmant - self.precision) << info.nmant)
        return anchor

    def _anchor_field(self, exponent: int, dtype: np.dtype[Any]) -> int:
        """Give the exponent field of the anchor of a binade."""
        info = np.finfo(dtype)
        return exponent - int(info.minexp) + 1 + int(info.nmant) - self.precision

    def _nudge_ties(self, magnitude: Real, anchor: Real, scratch: Scratch) -> None:
        """Take one unit in the last place from magnitudes in binades with an even exponent field.

        Without mantissa bits a tie 1.5 2^e lies between 1 and 2 steps, and the float addition
        takes it to 2, which is the even code only where the exponent field of 2^e is odd. No other
        number changes sides: what becomes a tie was above it, and still goes up.
        """
        integer = _integer(magnitude.dtype)
        even = scratch.like("even", magnitude, integer)
        np.right_shift(anchor.view(integer), np.finfo(magnitude.dtype).nmant, out=even)
        even -= self._anchor_field(self.least, magnitude.dtype)  # the exponent field minus one
        even &= 1
        pattern = magnitude.view(integer)
        pattern -= even


def _integer(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Give the signed integer type of the same width."""
    return np.dtype(f"i{dtype.itemsize}")
