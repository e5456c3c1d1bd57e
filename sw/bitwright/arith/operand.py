"""An encoded array as a contraction sees it: integers, powers of two beside them, scales outside.

Every value is mantissa 2^exponent times a real scale. The scale is constant along the contraction
and stays outside the integers. Mantissas come in two forms of the same values: `aligned`, in one
step for all elements that share an exponent, and `floating`, with an exponent per element. Of wide
formats the aligned ones would need more than 64 bits, and are not formed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache, singledispatch
from math import frexp
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.affine import Affine
from bitwright.arith.block import BlockExponents, BlockFormat
from bitwright.arith.checks import Integers
from bitwright.arith.codebook import Centroids
from bitwright.arith.element import Codes, Element
from bitwright.arith.exponents import power
from bitwright.arith.format import Encoded, Format
from bitwright.arith.lowbit import RealScale
from bitwright.arith.nearest import Real
from bitwright.arith.nvfp4 import BLOCK, TwoLevelScale
from bitwright.arith.power import StaticExponent
from bitwright.arith.scalar import fp8_element
from bitwright.arith.uniform import Uniform

IntegerArray: TypeAlias = NDArray[np.integer[Any]]
_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """Values mantissa 2^exponent."""

    mantissas: IntegerArray
    exponents: IntegerArray
    """Of the mantissas' shape, or a scalar for all."""

    def rearranged(self, move: Callable[[IntegerArray], IntegerArray]) -> Self:
        """Apply a change of axes to mantissas and exponents."""
        exponents = move(self.exponents) if self.exponents.ndim else self.exponents
        return replace(self, mantissas=move(self.mantissas), exponents=exponents)

    def part(self, index: Any) -> Self:
        """Give the terms at an index of leading axes."""
        exponents = self.exponents[index] if self.exponents.ndim else self.exponents
        return replace(self, mantissas=self.mantissas[index], exponents=exponents)

    def values(self, lsb: int = 0) -> NDArray[np.float64]:
        """Give the values in units of 2^lsb; exact for mantissas of up to 53 bits."""
        factors = np.ldexp(1.0, self.exponents - lsb)
        return np.multiply(self.mantissas, factors, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operand:
    """What a contraction knows of an encoded array."""

    format: Format[Any]
    element: Element
    codes: Codes
    zero_point: Integers | int = 0
    """Subtracted from the element's integers; broadcasts against the codes."""
    scale: Real = field(default_factory=lambda: np.ones(()))
    """Broadcasts against the codes."""
    block: int | None = None
    """Elements along ``axis`` that share an exponent; None if all elements do."""
    axis: int = -1
    exponents: IntegerArray | None = None
    """Of blocks: shaped as the codes, but along ``axis`` one per block."""
    factors: IntegerArray | None = None
    """Of blocks, likewise: integers that multiply the elements'."""
    factor_limit: int = 1
    """No factor exceeds it."""

    @property
    def step(self) -> int:
        """The exponent of aligned mantissas, beside the blocks' exponents."""
        return element_step(self.element)

    @property
    def limit(self) -> int:
        """What no aligned mantissa exceeds, by the format and its zero point alone."""
        low, high = element_range(self.element)
        least, greatest = int(np.min(self.zero_point)), int(np.max(self.zero_point))
        return max(greatest - low, high - least, 0) * self.factor_limit

    def aligned(self) -> Terms:
        """Give mantissas in one step for all elements that share an exponent."""
        if isinstance(self.element, Uniform):
            mantissas: IntegerArray = self.codes
        else:
            table, exponents = _table(self.element)
            table = table << np.where(table == 0, 0, exponents - self.step)
            mantissas = _look_up(self.element, table, self.codes)
        if np.any(self.zero_point):
            mantissas = mantissas.astype(np.int64) - self.zero_point
        return self._with_blocks(mantissas, np.asarray(self.step))

    def floating(self) -> Terms:
        """Give mantissas with an exponent for each."""
        if isinstance(self.element, Uniform):
            return self.aligned()
        mantissas, exponents = _table(self.element)
        return self._with_blocks(
            _look_up(self.element, mantissas, self.codes), exponents[self.codes]
        )

    def _with_blocks(self, mantissas: IntegerArray, exponents: IntegerArray) -> Terms:
        if self.block is None or self.exponents is None:
            return Terms(mantissas=mantissas, exponents=exponents)
        if self.factors is not None:
            mantissas = mantissas * self._per_element(self.factors)
        shared = self._per_element(self.exponents.astype(np.int64))
        return Terms(mantissas=mantissas, exponents=exponents + shared)

    def _per_element(self, per_block: IntegerArray) -> IntegerArray:
        length = self.codes.shape[self.axis]
        return np.take(per_block, np.arange(length) // (self.block or 1), axis=self.axis)


def operand(name: str, array: Encoded[Any], axis: int) -> Operand:
    """Give the operand of an encoded array that is contracted along ``axis``.

    Raises ValueError for a code that is NaN or infinite (naming its index), for blocks along
    another axis and for a real scale that changes along the contraction.
    """
    if array.codes.ndim == 0:
        raise ValueError(f"{name} must have an axis to contract, but is a scalar")
    axis %= array.codes.ndim
    found = _operand(array.shared, array)
    _reject_specials(name, found)
    if found.block is not None and found.axis != axis:
        raise ValueError(
            f"the blocks of {name} ({array.format}) run along axis {found.axis}, but axis {axis} "
            f"is contracted; encode with axis={axis}"
        )
    if found.scale.ndim and found.scale.shape[axis] != 1:
        raise ValueError(
            f"the scale of {name} ({array.format}) changes along axis {axis}, which is contracted; "
            "encode with one scale or along another channel_axis"
        )
    return found


@singledispatch
def _operand(shared: Any, array: Encoded[Any]) -> Operand:
    """Describe an encoded array by the kind of its shared part; a new kind is registered below."""
    raise TypeError(f"{array.format} has a shared part that dot products do not know")


@_operand.register
def _unshared(shared: None, array: Encoded[Any]) -> Operand:
    return Operand(format=array.format, element=array.format.element, codes=array.codes)


@_operand.register
def _affine(shared: Affine, array: Encoded[Any]) -> Operand:
    return replace(_unshared(None, array), zero_point=shared.zero_point, scale=shared.scale)


@_operand.register
def _real_scale(shared: RealScale, array: Encoded[Any]) -> Operand:
    return replace(_unshared(None, array), scale=shared.scale)


@_operand.register
def _static_exponent(shared: StaticExponent, array: Encoded[Any]) -> Operand:
    return replace(_unshared(None, array), scale=power(shared.exponent, _FLOAT64))


@_operand.register
def _centroids(shared: Centroids, array: Encoded[Any]) -> Operand:
    book = _operand(shared.encoded.shared, shared.encoded)
    return replace(book, format=array.format, codes=book.codes[array.codes])


@_operand.register
def _block_exponents(shared: BlockExponents, array: Encoded[Any]) -> Operand:
    assert isinstance(array.format, BlockFormat)
    return replace(
        _unshared(None, array),
        block=array.format.block,
        axis=shared.axis,
        exponents=shared.exponents,
    )


@_operand.register
def _two_levels(shared: TwoLevelScale, array: Encoded[Any]) -> Operand:
    mantissas, exponents = _table(fp8_element(4))
    return replace(
        _unshared(None, array),
        block=BLOCK,
        axis=shared.axis,
        exponents=exponents[shared.block_codes],
        factors=mantissas[shared.block_codes],
        factor_limit=int(np.abs(mantissas).max()),
        scale=shared.tensor_scale,
    )


def element_step(element: Element) -> int:
    """Give the exponent of the step in which all values of an element are integers."""
    if element.bits == 1:
        return 0  # -1 and 1 are odd multiples of half their distance
    return frexp(element.min_step)[1] - 1


def element_range(element: Element) -> tuple[int, int]:
    """Give the least and the greatest value of an element in its steps: any number of bits."""
    step = Fraction(2) ** element_step(element)
    return int(Fraction(element.min) / step), int(Fraction(element.max) / step)


@lru_cache(maxsize=64)
def _table(element: Element) -> tuple[Integers, Integers]:
    """Give (mantissa, exponent) of every code; (0, 0) of those that are no numbers."""
    codes = np.arange(element.code_low, element.code_high + 1)
    finite = np.isfinite(element.values())
    mantissas, exponents = np.zeros((2, len(codes)), np.int64)
    mantissas[finite], exponents[finite] = element.mantissas(codes[finite])
    return mantissas, exponents


def _look_up(element: Element, table: Integers, codes: Codes) -> IntegerArray:
    """Give table[codes] in a type as narrow as the table allows: conversions cost memory."""
    reach = int(np.abs(table).max())
    width = next((w for w in (8, 16, 32) if reach < 1 << (w - 1)), 64)
    return np.asarray(table.astype(f"i{width // 8}")[codes])


def _reject_specials(name: str, found: Operand) -> None:
    if isinstance(found.element, Uniform):
        return
    special = ~np.isfinite(found.element.values())
    if special.any() and special[found.codes].any():
        index = tuple(int(i) for i in np.argwhere(special[found.codes])[0])
        value = found.element.values()[found.codes[index]]
        raise ValueError(
            f"{name} ({found.format}) has code {int(found.codes[index]):#x}, {value}, at index "
            f"{index}; a dot product takes finite numbers"
        )
