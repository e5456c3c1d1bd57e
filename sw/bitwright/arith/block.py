"""Formats in which K elements along an axis share one 8-bit exponent.

The shared exponent X puts the block's greatest magnitude into the element's top binade:
X = floor(log2 amax) - top, where the element's largest value has exponent ``top``; a value is an
element times 2^X. X lies in -127..127 and is stored as the byte X + 127, as E8M0 is; beyond, it
saturates. An all-zero block has X = -127. Infinities are the greatest finite numbers of their type.
A short last block is a block of its own length.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from math import frexp
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.element import Codes, Element
from bitwright.arith.exponents import (
    GREATEST,
    LEAST,
    floor_exponent,
    nearest_exponent,
    pack_exponents,
    power,
    unpack_exponents,
)
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import FLOAT64, Scaling, encode_rows, quantize_rows
from bitwright.arith.layout import Rows
from bitwright.arith.nearest import Real, as_float
from bitwright.arith.packing import Bytes
from bitwright.arith.tiles import Scratch, Tile

MAX_BLOCK = 1 << 16
_FLOAT32_TOP = 128
"""2 to this overflows float32."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockExponents:
    """The shared part: value = element 2^exponent, one exponent per block along ``axis``."""

    exponents: NDArray[np.int16]
    """Shaped as the codes, but along ``axis`` one per block; of a scalar, one."""
    axis: int
    """Counted from the front."""


class BlockFormat(Format[BlockExponents]):
    """Elements and an exponent per block: a family says which element, and how many share."""

    @property
    @abstractmethod
    def block(self) -> int:
        """Elements per shared exponent, K."""

    @property
    def nearest_top(self) -> bool:
        """Whether the top code is the power of two nearest to amax, rather than below it."""
        return False

    def encode(self, x: ArrayLike, axis: int = -1) -> Encoded[BlockExponents]:
        """Give codes and shared exponents of blocks along ``axis``.

        Elements are nearest, ties to the even code, saturated. Raises ValueError for NaN, with its
        first index, and an axis that x does not have; TypeError for data that are not real numbers.
        """
        real, rows = self._rows(x, axis)
        scaling = self._scaling(rows)
        codes = rows.restore_along(encode_rows(self.element, rows, scaling)).reshape(real.shape)
        shared = BlockExponents(rows.restore_along(scaling.exponents), rows.axis)
        return Encoded(format=self, codes=codes, shared=shared, dtype=real.dtype)

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the values nearest to ``x``, as `encode` does, in its float type."""
        real, rows = self._rows(x, axis, **options)
        values = quantize_rows(self.element, rows, self._scaling(rows), real.dtype)
        return rows.restore_along(values).reshape(real.shape)

    def decode_codes(self, codes: Codes, shared: BlockExponents, dtype: np.dtype[Any]) -> Real:
        """Give element 2^exponent, exact for all that `encode` gives."""
        wide = dtype if self.element.fits(dtype) else FLOAT64
        values = self.element.decode(np.atleast_1d(codes), wide)
        scales = expand(power(shared.exponents, wide), self.block, shared.axis, values.shape)
        with np.errstate(over="ignore"):
            product = (values * scales).astype(dtype)
        return np.asarray(product.reshape(codes.shape))

    def shared_bits(self, n: int) -> int:
        """Give 8 per block of a vector of n."""
        return 8 * -(-n // self.block)

    def pack_shared(self, shared: BlockExponents) -> Bytes:
        """Give a byte X + 127 per block, in C order."""
        return pack_exponents(shared.exponents)

    def unpack_shared(self, data: Bytes, like: BlockExponents) -> BlockExponents:
        """Give the exponents packed as ``data``."""
        return BlockExponents(unpack_exponents(data, like.exponents.shape), like.axis)

    def _rows(self, x: ArrayLike, axis: int) -> tuple[Real, Rows]:
        real = as_float("x", x)
        return real, Rows.along(real, check_axis("axis", axis, real.ndim))

    def _scaling(self, rows: Rows) -> "GreatestOfBlock":
        height, width = rows.matrix.shape
        exponents = np.empty((height, -(-width // self.block)), np.int16)
        return GreatestOfBlock(
            element=self.element, block=self.block, nearest=self.nearest_top, exponents=exponents
        )


@dataclass(slots=True, kw_only=True)
class GreatestOfBlock(Scaling):
    """2^X with X from the greatest magnitude of each block; collects the exponents."""

    element: Element
    block: int
    nearest: bool
    exponents: NDArray[np.int16]
    top: int = field(init=False)
    leaves_least: bool = field(init=False)
    """Whether the least element times 2^127 is no float32, though the greatest is one.

    Such is -2 of mxint8: that code is left unused in blocks of exponent 127.
    """

    def __post_init__(self) -> None:
        self.top = frexp(self.element.max)[1] - 1
        self.leaves_least = -self.element.min >= 2.0 ** (_FLOAT32_TOP - GREATEST) > self.element.max

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real:
        """Divide by 2^X: exact, or subnormal and far below the element's least value."""
        # An infinite element itself saturates when it is rounded.
        greatest = np.minimum(greatest_magnitude(v, scratch), np.finfo(v.dtype).max)
        exponent = nearest_exponent(greatest) if self.nearest else floor_exponent(greatest)
        exponent -= self.top
        np.clip(exponent, LEAST, GREATEST, out=exponent)
        first = tile.columns.start // self.block
        self.exponents[tile.rows, first : first + exponent.shape[1]] = exponent
        v *= power(-exponent, v.dtype)[:, :, np.newaxis]
        if self.leaves_least and (exponent == GREATEST).any():
            high = exponent[:, :, np.newaxis] == GREATEST
            np.maximum(v, v.dtype.type(-self.element.max), out=v, where=high)
        return power(exponent, v.dtype)[:, :, np.newaxis]


def greatest_magnitude(v: Real, scratch: Scratch) -> Real:
    """Compute max |v| over the last axis of (rows, blocks, block), as an array (rows, blocks).

    Bit patterns of non-negative floats are ordered as the floats are, and integers compare faster.
    Powers of two are folded over even and odd elements: long loops, instead of one per block.
    """
    integer = np.dtype(f"i{v.dtype.itemsize}")
    magnitude = scratch.like("magnitude", v, integer)
    np.bitwise_and(v.view(integer), np.iinfo(integer).max, out=magnitude)
    rows, blocks, block = v.shape
    if block & (block - 1):
        folded = magnitude.max(axis=2)
    else:
        folded = magnitude.reshape(-1)
        while folded.size > rows * blocks:
            folded = np.maximum(folded[0::2], folded[1::2])
    return np.asarray(folded.reshape(rows, blocks).view(v.dtype))


def expand(per_block: Real, block: int, axis: int, shape: tuple[int, ...]) -> Real:
    """Repeat a value per block along ``axis`` for every element of an array of that shape."""
    repeated = np.repeat(per_block, block, axis=axis)
    return np.take(repeated, np.arange(shape[axis]), axis=axis)
