"""Sums of block products, each rounded half_even to a multiple of 2^lsb before it is added.

A block's rounding sees that block alone, and integers add in any order: however a contraction is
cut, permuted or tiled at the ends of blocks, the sum is the same. There are two ways to it:

- in float64, where a block's products and the sum stay below 2^53 and each rounded block below
  2^51: BLAS is exact then, and adding 1.5 2^52 leaves no room for bits below 1, so that the float
  addition itself rounds half_even;
- in int64 otherwise, through the halves of `bitwright.arith.products`.
"""

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import Integers, magnitude
from bitwright.arith.exact import FLOAT64_LIMIT, ONE_THREAD, float_product
from bitwright.arith.operand import IntegerArray, Terms
from bitwright.arith.products import exact_product
from bitwright.arith.rounding import MAX_SHIFT, Rounding, shift_round_unchecked
from bitwright.arith.tiles import Scratch, Tile, for_each_tile

_ANCHOR = 1.5 * 2**52
_ANCHORED = 1 << 51
_LEAST_TILE, _GREATEST_TILE = 1 << 12, 1 << 15
"""Outputs of a tile: few enough for the caches, enough to hide what a call costs."""


def sum_blocks(
    a: Terms, b: Terms, starts: IntegerArray, *, lsb: int, largest: int, bound: int
) -> Integers:
    """Compute sum over blocks of round(sum over the block of a[m, k] b[n, k] / 2^lsb).

    ``a`` is (M, K), ``b`` (N, K); a block begins at each of ``starts``, and a row's exponents are
    equal inside one. The caller has proved that no rounded block exceeds ``largest``, no sum of
    them ``bound``, below 2^63, and that a block's products add up in int64 before rounding.
    """
    k = a.mantissas.shape[1]
    longest = int(np.diff(starts, append=k).max(initial=0))
    block_bound = longest * magnitude(a.mantissas) * magnitude(b.mantissas)
    if max(block_bound, bound) <= FLOAT64_LIMIT and largest <= _ANCHORED:
        return _in_float64(a.values(lsb), b.values(), starts)
    return _in_int64(a, b, starts, lsb)


def _in_float64(a: NDArray[np.float64], b: NDArray[np.float64], starts: IntegerArray) -> Integers:
    """Add in units of 2^lsb, which a's values are in.

    Where a value underflows, its block is far below 1/2 and rounds to 0 nevertheless.
    """
    rows, k = a.shape
    out = np.empty((rows, len(b)), np.int64)
    blocks = [slice(i, j) for i, j in zip(starts, [*starts[1:], k], strict=True)]
    columns = np.ascontiguousarray(b.T)  # (K, N)
    single = len(blocks) == k

    def work(tile: Tile, scratch: Scratch) -> None:
        total = scratch.array("total", tile.shape, np.dtype(np.float64))
        part = scratch.array("part", tile.shape, np.dtype(np.float64))
        total[...] = 0
        left, right = a[tile.rows], columns[:, tile.columns]
        for block in blocks:
            if single:
                np.multiply(left[:, block], right[block], out=part)
            else:
                float_product(left[:, block], right[block], part)
            np.add(part, _ANCHOR, out=part)
            np.subtract(part, _ANCHOR, out=part)
            np.add(total, part, out=total)
        out[tile.rows, tile.columns] = total

    for_each_tile(work, _tiles(out.shape, -(-k // max(len(blocks), 1))))
    return out


def _tiles(shape: tuple[int, ...], length: int) -> list[Tile]:
    """Cut the outputs so that a block's product stays in the calling thread."""
    outputs = min(max(ONE_THREAD // max(length, 1), _LEAST_TILE), _GREATEST_TILE)
    rows, columns = shape
    width = min(columns, max(outputs >> 6, outputs // max(rows, 1)))
    height = max(outputs // max(width, 1), 1)
    return [
        Tile(slice(top, min(top + height, rows)), slice(left, min(left + width, columns)))
        for top in range(0, rows, height)
        for left in range(0, columns, max(width, 1))
    ]


def _in_int64(a: Terms, b: Terms, starts: IntegerArray, lsb: int) -> Integers:
    total = np.zeros((len(a.mantissas), len(b.mantissas)), np.int64)
    shifts_a, shifts_b = (
        np.broadcast_to(terms.exponents, terms.mantissas.shape)[:, starts] for terms in (a, b)
    )
    ends = [*starts[1:], a.mantissas.shape[1]]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        block = slice(start, end)
        products = exact_product(a.mantissas[:, block], b.mantissas[:, block].T)
        exponents = shifts_a[:, i, np.newaxis] + shifts_b[:, i]
        total += scale_round(products, exponents - lsb)
    return total


def scale_round(value: Integers, exponent: IntegerArray) -> Integers:
    """Compute round_half_even(value 2^exponent), which fits int64 if the caller has proved it.

    >>> scale_round(np.array([5, 6, -6, 3]), np.array([-2, -2, -2, 1]))
    array([ 1,  2, -2,  6])
    """
    shift = np.asarray(exponent, np.int64)
    right = np.clip(-shift, 0, MAX_SHIFT)
    rounded = shift_round_unchecked(value, right, Rounding.HALF_EVEN)
    # Below 2^63, value / 2^63 rounds to 0 or, beyond a half, to a sign; value / 2^64 to 0.
    beyond = np.where(shift == -MAX_SHIFT - 1, (value > 1 << 62) - 1 * (value < -(1 << 62)), 0)
    return np.where(shift < -MAX_SHIFT, beyond, rounded << np.clip(shift, 0, 63))
