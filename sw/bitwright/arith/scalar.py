"""Formats whose elements are values, with nothing shared: minifloats of every kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.element import Codes
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import FLOAT64, Unscaled, encode_rows, quantize_rows
from bitwright.arith.layout import Rows
from bitwright.arith.minifloat import Minifloat, Specials
from bitwright.arith.nearest import Real, as_float

MAX_BITS = 16
MAX_EXPONENT_BITS = 8
_PROPOSED_BITS = 8


class Scalar(Format[None]):
    """A format of elements alone; ``axis`` is checked and unused.

    Values are float32 if ``x`` is and float32 holds them all, else float64.
    """

    def encode(self, x: ArrayLike, axis: int = -1) -> Encoded[None]:
        """Give the codes of the nearest values: ties to the even code, saturated.

        Raises ValueError for NaN, with its first index, and an axis that x does not have;
        TypeError for data that are not real numbers.
        """
        real = self._checked(x, axis)
        rows = Rows.flat(real)
        codes = rows.restore(encode_rows(self.element, rows, Unscaled()))
        return Encoded(format=self, codes=codes, shared=None, dtype=self._dtype(real))

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest values: ties to the even code, saturated."""
        real = self._checked(x, axis, **options)
        rows = Rows.flat(real)
        return rows.restore(quantize_rows(self.element, rows, Unscaled(), self._dtype(real)))

    def decode_codes(self, codes: Codes, shared: None, dtype: np.dtype[Any]) -> Real:
        """Give the values of codes."""
        return self.element.decode(codes, dtype)

    def _checked(self, x: ArrayLike, axis: int) -> Real:
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        return real

    def _dtype(self, x: Real) -> np.dtype[Any]:
        return x.dtype if self.max <= float(np.finfo(x.dtype).max) else FLOAT64


@dataclass(frozen=True, slots=True)
class Float(Scalar):
    """e<E>m<M>: sign, E exponent and M mantissa bits, subnormals, every code finite.

    The bias is 2^(E-1)-1 and the top exponent an ordinary binade.

    >>> Float(4, 3).quantize([1.0625, 1.1875, -0.0, 1e9])  # two ties to even, then saturation
    array([  1.  ,   1.25,  -0.  , 480.  ])
    """

    exponent_bits: int
    mantissa_bits: int

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"e(0|[1-9]\d*)m(0|[1-9]\d*)")
    family: ClassVar[str] = (
        f"e<E>m<M> (E 1..{MAX_EXPONENT_BITS}, M 0.., up to {MAX_BITS} bits with the sign)"
    )

    def __post_init__(self) -> None:
        check_fields("e<E>m<M>", self.exponent_bits, self.mantissa_bits)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give every name."""
        yield from field_names("", least_mantissa=0)

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"e{self.exponent_bits}m{self.mantissa_bits}"

    @property
    def element(self) -> Minifloat:
        """An all-finite minifloat."""
        return finite_minifloat(self.exponent_bits, self.mantissa_bits)


@dataclass(frozen=True, slots=True)
class Denormalised(Scalar):
    """dmf_e<E>m<M>: denormalised minifloat, (-1)^s m 2^-M 2^(e-bias) without an implicit one.

    The bias is 2^(E-1)-1. A value with several codes is encoded with the least exponent, that is
    with the mantissa's top bit set unless e is 0: the one with the full precision around it.

    >>> Denormalised(4, 3).quantize([1.0, 0.96, 1.0625])  # 0.96 rounds up over the binade's end
    array([1., 1., 1.])
    """

    exponent_bits: int
    mantissa_bits: int

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"dmf_e(0|[1-9]\d*)m(0|[1-9]\d*)")
    family: ClassVar[str] = (
        f"dmf_e<E>m<M> (E 1..{MAX_EXPONENT_BITS}, M 2.., up to {MAX_BITS} bits with the sign)"
    )

    def __post_init__(self) -> None:
        # With one mantissa bit every code but zero's is odd, and a tie has no even code.
        check_fields("dmf_e<E>m<M>", self.exponent_bits, self.mantissa_bits, least_mantissa=2)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give every name."""
        yield from field_names("dmf_", least_mantissa=2)

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"dmf_e{self.exponent_bits}m{self.mantissa_bits}"

    @property
    def element(self) -> Minifloat:
        """A minifloat without the implicit one."""
        bias = (1 << (self.exponent_bits - 1)) - 1
        return Minifloat(
            exponent_bits=self.exponent_bits,
            mantissa_bits=self.mantissa_bits,
            bias=bias,
            implicit_one=False,
        )


@dataclass(frozen=True, slots=True)
class Fp8(Scalar):
    """fp8_e4m3 and fp8_e5m2: the OCP 8-bit floating-point specification, v1.0.

    Encoding saturates to the largest finite value and never gives infinity or NaN; codes of those
    decode to them.
    """

    exponent_bits: int

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"fp8_e(4m3|5m2)")
    family: ClassVar[str] = "fp8_e4m3 and fp8_e5m2"

    def __post_init__(self) -> None:
        if self.exponent_bits not in (4, 5):
            raise ValueError(f"FP8 has 4 or 5 exponent bits, not {self.exponent_bits}")

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1][0]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give both names."""
        yield from ("fp8_e4m3", "fp8_e5m2")

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"fp8_e{self.exponent_bits}m{7 - self.exponent_bits}"

    @property
    def element(self) -> Minifloat:
        """E4M3 (one NaN per sign, no infinity) or E5M2 (as IEEE)."""
        return fp8_element(self.exponent_bits)


def fp8_element(exponent_bits: int) -> Minifloat:
    """Give the element of FP8 E4M3 or E5M2."""
    return Minifloat(
        exponent_bits=exponent_bits,
        mantissa_bits=7 - exponent_bits,
        bias=(1 << (exponent_bits - 1)) - 1,
        specials=Specials.NAN if exponent_bits == 4 else Specials.IEEE,
    )


def finite_minifloat(exponent_bits: int, mantissa_bits: int) -> Minifloat:
    """Give the all-finite minifloat with the usual bias."""
    return Minifloat(
        exponent_bits=exponent_bits,
        mantissa_bits=mantissa_bits,
        bias=(1 << (exponent_bits - 1)) - 1,
    )


def check_fields(
    name: str, exponent_bits: int, mantissa_bits: int, least_mantissa: int = 0
) -> None:
    """Raise ValueError unless the fields of a minifloat are of supported widths."""
    if not 1 <= exponent_bits <= MAX_EXPONENT_BITS:
        raise ValueError(f"{name} has E in 1..{MAX_EXPONENT_BITS}, but E is {exponent_bits}")
    greatest = MAX_BITS - 1 - exponent_bits
    if not least_mantissa <= mantissa_bits <= greatest:
        raise ValueError(
            f"{name} with E = {exponent_bits} has M in {least_mantissa}..{greatest} "
            f"({MAX_BITS} bits with the sign), but M is {mantissa_bits}"
        )


def field_names(prefix: str, least_mantissa: int, suffix: str = "") -> Iterator[str]:
    """Give names e<E>m<M>, those of usual widths first."""
    fields = [
        (exponent, mantissa)
        for exponent in range(1, MAX_EXPONENT_BITS + 1)
        for mantissa in range(least_mantissa, MAX_BITS - exponent)
    ]
    fields.sort(key=lambda pair: sum(pair) >= _PROPOSED_BITS)
    yield from (f"{prefix}e{exponent}m{mantissa}{suffix}" for exponent, mantissa in fields)
