"""An array of any shape as the matrix that the arithmetic works on, and back."""

from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.nearest import Real
from bitwright.arith.tiles import Tile

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Rows:
    """A matrix of an array's elements: of its own memory where the order allows."""

    source: Real
    """The array itself."""
    matrix: Real
    """(rows, columns)."""
    axis: int
    """Of the array; the matrix has it last."""

    @classmethod
    def flat(cls, x: Real) -> Self:
        """Give one row of all elements in C order."""
        return cls(x, x.reshape(1, x.size), axis=max(x.ndim, 1) - 1)

    @classmethod
    def along(cls, x: Real, axis: int) -> Self:
        """Give rows along ``axis``, counted from the front; a scalar is a row of one."""
        moved = np.moveaxis(np.atleast_1d(x), axis, -1)
        return cls(x, moved.reshape(_count(moved.shape[:-1]), moved.shape[-1]), axis)

    @classmethod
    def channels(cls, x: Real, axis: int) -> Self:
        """Give one row per channel and position in the axes before, or one column per channel.

        Columns if ``axis`` is the last, so that either way rows are long; `spread` shapes a
        vector of channels alike.
        """
        shape = np.atleast_1d(x).shape
        if axis == len(shape) - 1:
            return cls(x, x.reshape(_count(shape[:-1]), shape[-1]), axis)
        return cls(x, x.reshape(_count(shape[: axis + 1]), _count(shape[axis + 1 :])), axis)

    def restore(self, matrix: NDArray[Scalar]) -> NDArray[Scalar]:
        """Give a matrix of the same size in the shape and order of `flat` or `channels`' array."""
        return matrix.reshape(self.source.shape)

    def restore_along(self, matrix: NDArray[Scalar]) -> NDArray[Scalar]:
        """Give a matrix with as many rows in the shape and order of `along`'s array.

        Its columns may be others: one per block, say. A scalar becomes a vector then.
        """
        shape = list(np.atleast_1d(self.source).shape)
        del shape[self.axis]
        moved = matrix.reshape(*shape, matrix.shape[1])
        return np.ascontiguousarray(np.moveaxis(moved, -1, self.axis))


def spread(parameter: NDArray[Any], x: Real, axis: int | None, rows: Rows) -> NDArray[Any]:
    """Shape a number, or a value per channel of ``axis``, to broadcast against ``rows``' matrix."""
    if parameter.size == 1 or axis is None:
        return parameter.reshape(1, 1)
    vector = parameter.reshape(-1)
    if axis == max(x.ndim, 1) - 1:
        return vector.reshape(1, -1)
    repeats = rows.matrix.shape[0] // max(vector.size, 1)
    return (vector if repeats == 1 else np.tile(vector, repeats)).reshape(-1, 1)


def part_of(parameter: NDArray[Any], tile: Tile) -> NDArray[Any]:
    """Give a tile's share of what `spread` shaped."""
    rows = parameter[tile.rows] if parameter.shape[0] > 1 else parameter
    return rows[:, tile.columns] if parameter.shape[1] > 1 else rows


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
