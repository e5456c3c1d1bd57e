"""The OCP microscaling formats, MX v1.0: an E8M0 scale per 32 elements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from bitwright.arith.block import BlockFormat
from bitwright.arith.element import Element
from bitwright.arith.scalar import finite_minifloat, fp8_element
from bitwright.arith.uniform import Uniform

_ELEMENTS: dict[str, Element] = {
    "mxfp8_e5m2": fp8_element(5),
    "mxfp8_e4m3": fp8_element(4),
    "mxfp6_e3m2": finite_minifloat(3, 2),
    "mxfp6_e2m3": finite_minifloat(2, 3),
    "mxfp4_e2m1": finite_minifloat(2, 1),
    "mxint8": Uniform(-128, 127, fraction=6),
}


@dataclass(frozen=True, slots=True)
class Microscaling(BlockFormat):
    """mxfp8_e5m2, mxfp8_e4m3, mxfp6_e3m2, mxfp6_e2m3, mxfp4_e2m1 and mxint8.

    The scale is 2^clamp(floor(log2 amax) - emax, -127, 127); elements are as OCP FP8, all-finite
    minifloats, or q/64 with q in -128..127. mxint8 leaves -128 unused in blocks of scale 2^127,
    where it would be -2^128, which no float32 holds.

    >>> Microscaling("mxfp4_e2m1").quantize([100.0, -30.0, 7.0, 3.0])  # scale 16
    array([ 96., -32.,   8.,   0.])
    """

    name: str

    pattern: ClassVar[re.Pattern[str]] = re.compile("|".join(_ELEMENTS))
    family: ClassVar[str] = "the OCP MX formats " + ", ".join(_ELEMENTS)

    def __post_init__(self) -> None:
        if self.name not in _ELEMENTS:
            raise ValueError(f"unknown MX format {self.name!r}; accepted: {', '.join(_ELEMENTS)}")

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(match[0])

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give every name."""
        yield from _ELEMENTS

    def __str__(self) -> str:
        """Give the canonical name."""
        return self.name

    @property
    def element(self) -> Element:
        """The element of the MX format."""
        return _ELEMENTS[self.name]

    @property
    def block(self) -> int:
        """32."""
        return 32
