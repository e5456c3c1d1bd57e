"""The two halves of every format put together: an element, and a scale that blocks share.

A number is divided by its scale, rounded to the element's nearest value, and becomes a code or,
multiplied by the scale again, a value. A `Scaling` says where the scales come from. Everything
happens tile by tile.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bitwright.arith.element import Codes, Element
from bitwright.arith.layout import Rows
from bitwright.arith.nearest import Real, reject_nan
from bitwright.arith.tiles import Scratch, Tile, for_each_tile, tiles

FLOAT64 = np.dtype(np.float64)


class Scaling(ABC):
    """Where scales come from. The state, if any, is of one array being encoded."""

    block: int = 1
    """Elements along a row that share a scale; 1 where that does not depend on the row's cuts."""
    wide: bool = False
    """Whether quotients need float64 even if x and the element do not."""

    @abstractmethod
    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real | None:
        """Divide ``v`` (rows, blocks, block) by its scales, in place, and give them.

        They broadcast against ``v``; None stands for 1. The quotient may be inexact where that
        does not change the element nearest to it.
        """


class Unscaled(Scaling):
    """Elements are values."""

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> None:
        """Do nothing."""


def quantize_rows(element: Element, rows: Rows, scaling: Scaling, dtype: np.dtype[Any]) -> Real:
    """Give the values, as ``dtype``, nearest to a matrix; ValueError for NaN."""
    out = np.empty(rows.matrix.shape, dtype)

    def work(tile: Tile, scratch: Scratch) -> None:
        v, scales = _rounded(element, rows, scaling, tile, scratch)
        target = out[tile.rows, tile.columns]
        if scales is None:
            target[...] = v.reshape(target.shape)
        elif v.size == target.size:
            # Cutting one axis in two never copies: this writes to out.
            np.multiply(v, scales, out=target.reshape(v.shape), casting="same_kind")
        else:
            v *= scales
            target[...] = v.reshape(v.shape[0], -1)[:, : target.shape[1]]

    for_each_tile(work, tiles(out.shape, _length(rows, scaling)))
    return out


def encode_rows(element: Element, rows: Rows, scaling: Scaling) -> Codes:
    """Give the codes nearest to a matrix; ValueError for NaN."""
    out = np.empty(rows.matrix.shape, element.code_dtype)

    def work(tile: Tile, scratch: Scratch) -> None:
        v, _ = _rounded(element, rows, scaling, tile, scratch)
        codes = element.codes(v.reshape(-1), scratch).reshape(v.shape[0], -1)
        out[tile.rows, tile.columns] = codes[:, : tile.shape[1]]

    for_each_tile(work, tiles(out.shape, _length(rows, scaling)))
    return out


def _rounded(
    element: Element, rows: Rows, scaling: Scaling, tile: Tile, scratch: Scratch
) -> tuple[Real, Real | None]:
    """Give a tile's elements (rows, blocks, block), the last block filled up, and their scales."""
    height, width = tile.shape
    length = _length(rows, scaling)
    blocks = -(-width // length)
    narrow = element.fits(rows.matrix.dtype) and not scaling.wide
    dtype = rows.matrix.dtype if narrow else FLOAT64
    v = scratch.array("v", (height, blocks * length), dtype)
    v[:, :width] = rows.matrix[tile.rows, tile.columns]
    v[:, width:] = 0  # a short last block: zeros are never its greatest magnitude
    if np.isnan(v).any():
        reject_nan("x", rows.source)
    grouped = v.reshape(height, blocks, length)
    scales = scaling.divide(grouped, tile, scratch)
    element.round(v.reshape(-1), scratch)
    return grouped, scales


def _length(rows: Rows, scaling: Scaling) -> int:
    """Give the length of a row's first block: no block is filled up beyond the row."""
    columns = int(rows.matrix.shape[1])
    return max(min(scaling.block, columns), 1)
