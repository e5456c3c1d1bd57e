"""Figures of number formats, to look up and to compare: widths, ranges, steps, code tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np

from bitwright.arith.affine import Integer
from bitwright.arith.block_families import BlockFloat, BlockLogarithm, BlockMinifloat
from bitwright.arith.codebook import Codebook
from bitwright.arith.element import Element
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Format
from bitwright.arith.lowbit import Binary, Ternary
from bitwright.arith.microscaling import Microscaling
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.nvfp4 import Nvfp4
from bitwright.arith.power import PowerOfTwo
from bitwright.arith.scalar import Denormalised, Float, Fp8
from bitwright.arith.sign import Sign

PRESETS: Mapping[type[Format[Any]], tuple[str, ...]] = {
    Integer: ("int8", "int4", "uint8"),
    Fixed: ("fix8.7", "fix16.8", "ufix8.8"),
    Float: ("e4m3", "e5m2", "e3m2", "e2m3", "e2m1"),
    Fp8: ("fp8_e4m3", "fp8_e5m2"),
    Denormalised: ("dmf_e4m3",),
    BlockFloat: ("bfp8_b16", "bfp6_b16", "bfp4_b16"),
    BlockMinifloat: ("bm_e4m3_b16",),
    BlockLogarithm: ("bl8_b16", "bl4_b16"),
    PowerOfTwo: ("pow4",),
    Microscaling: tuple(Microscaling.names()),
    Nvfp4: ("nvfp4",),
    Binary: ("binary",),
    Ternary: ("ternary",),
    Codebook: ("codebook16", "codebook256"),
}
"""Of every family the formats that tables show."""

TYPICAL_LENGTH = 1024
"""Elements of the vector over which tables spread the shared parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A format in figures; values are those with a neutral shared part, scale 1.

    Values of a codebook are those of its centroids' format.
    """

    name: str
    bits: int
    """Width of an element."""
    bits_per_element: float
    """With the shared parts that are stored, of a vector of `TYPICAL_LENGTH`."""
    max: float
    min: float
    min_step: float
    """Smallest distance of two values."""
    least: float
    """Smallest magnitude that is not zero."""
    dynamic_range_db: float
    """20 log10 (greatest / smallest magnitude that is not zero)."""


@dataclass(frozen=True, slots=True)
class Field:
    """Neighbouring bits of a code."""

    name: str
    width: int


@dataclass(frozen=True, slots=True)
class Code:
    """One line of a code table."""

    code: int
    pattern: str
    """The bits from the top down, fields apart."""
    value: float


def describe(fmt: Format[Any]) -> Facts:
    """Give the figures of a format.

    >>> found = describe(BlockFloat(8, 16))
    >>> found.bits_per_element, found.max, round(found.dynamic_range_db, 1)
    (8.5, 1.984375, 42.1)
    """
    valued = fmt.centroid_format if isinstance(fmt, Codebook) else fmt
    least = 1.0 if isinstance(valued.element, Sign) else valued.min_step
    greatest = max(valued.max, -valued.min)
    return Facts(
        name=str(fmt),
        bits=fmt.bits,
        bits_per_element=fmt.bits_per_element(TYPICAL_LENGTH),
        max=valued.max,
        min=valued.min,
        min_step=valued.min_step,
        least=least,
        dynamic_range_db=20 * (log10(greatest) - log10(least)),
    )


def fields(fmt: Format[Any]) -> tuple[Field, ...]:
    """Give the fields of an element's code, from the top down.

    >>> [(field.name, field.width) for field in fields(Float(4, 3))]
    [('sign', 1), ('exponent', 4), ('mantissa', 3)]
    """
    element: Element = fmt.element
    if isinstance(fmt, Codebook):
        return (Field("index", fmt.bits),)
    if isinstance(element, Sign):
        return (Field("sign", 1),)
    if not isinstance(element, Minifloat):
        return (Field("integer", fmt.bits),)
    mantissa = "mantissa" if element.exponent_bits else "magnitude"
    parts = (
        Field("sign", 1),
        Field("exponent", element.exponent_bits),
        Field(mantissa, element.mantissa_bits),
    )
    return tuple(part for part in parts if part.width)


def code_table(fmt: Format[Any]) -> Iterator[Code]:
    """Give every code in the order of the bit patterns; ValueError beyond 16 bits.

    Values are as `Format.values` gives them; indices of a codebook are worth themselves.

    >>> [(line.pattern, line.value) for line in code_table(Float(1, 1))][2:4]
    [('0 1 0', 2.0), ('0 1 1', 3.0)]
    """
    values = fmt.values().tolist()
    codes = np.arange(fmt.code_low, fmt.code_high + 1)
    for place in np.argsort(codes % (1 << fmt.bits), kind="stable").tolist():
        yield Code(int(codes[place]), pattern(fmt, int(codes[place])), values[place])


def pattern(fmt: Format[Any], code: int) -> str:
    """Give a code's bits, its fields apart.

    >>> pattern(Float(4, 3), 0x3C)
    '0 0111 100'
    """
    bits = f"{code % (1 << fmt.bits):0{fmt.bits}b}"
    parts, place = [], 0
    for field in fields(fmt):
        parts.append(bits[place : place + field.width])
        place += field.width
    return " ".join(parts)
