"""Extremes and sums of magnitudes: of a whole tensor, or of each channel.

Both are exact, so that they depend neither on the order of the elements nor on the machine.
"""

from fractions import Fraction
from math import frexp

import numpy as np

from bitwright.arith.nearest import Real, reject_nan
from bitwright.arith.tiles import TILE, Scratch, Tile, for_each_tile, tiles

_HUGE = 2.0**900
_LEAST_EXPONENT = -1074
_SUM_BITS = 53 - TILE.bit_length()
"""Integers of so many bits, as many as a tile has elements, add in float64 without rounding."""


def by_channel(x: Real, channel_axis: int | None) -> Real:
    """Give a matrix with a row per channel, or one row without a channel axis."""
    if channel_axis is None or x.ndim == 0:
        return x.reshape(1, x.size)
    moved = np.moveaxis(x, channel_axis, 0)
    return moved.reshape(moved.shape[0], x.size // max(moved.shape[0], 1))


def finite_extremes(x: Real, channel_axis: int | None) -> tuple[Real, Real]:
    """Give min(x, 0) and max(x, 0) over finite x: a number, or shaped to broadcast per channel.

    ValueError for NaN, with its first index.
    """
    matrix = by_channel(x, channel_axis)
    least, greatest = np.zeros((2, len(matrix)), x.dtype)
    found: list[tuple[slice, Real, Real]] = []

    def work(tile: Tile, scratch: Scratch) -> None:
        low, high = extremes_of_rows(matrix[tile.rows, tile.columns], x)
        found.append((tile.rows, low, high))

    for_each_tile(work, tiles(matrix.shape))
    for rows, low, high in found:
        np.minimum(least[rows], low, out=least[rows])
        np.maximum(greatest[rows], high, out=greatest[rows])
    shape = _broadcast(x, channel_axis)
    return least.reshape(shape), greatest.reshape(shape)


def extremes_of_rows(part: Real, whole: Real) -> tuple[Real, Real]:
    """Give min(x, 0) and max(x, 0) over the finite x of each row.

    ValueError for NaN, with its first index in ``whole``, the array of which it is a part.
    """
    low, high = part.min(axis=1, initial=0), part.max(axis=1, initial=0)
    if np.isnan(high).any():
        reject_nan("x", whole)
    if np.isinf(high).any() or np.isinf(low).any():
        finite = np.where(np.isfinite(part), part, 0)
        low, high = finite.min(axis=1, initial=0), finite.max(axis=1, initial=0)
    return low, high


def sums(
    x: Real, channel_axis: int | None, above: Real | None = None
) -> tuple[list[Fraction], list[int]]:
    """Add the finite |x| of each channel, or of all, exactly; give the sums and how many each adds.

    With ``above``, a number per channel, only magnitudes beyond it. ValueError for NaN, with its
    first index.
    """
    matrix = by_channel(x, channel_axis)
    totals, counts = [Fraction(0)] * len(matrix), [0] * len(matrix)
    found: list[tuple[int, Fraction, int]] = []

    def work(tile: Tile, scratch: Scratch) -> None:
        part = scratch.array("part", tile.shape, np.dtype(np.float64))
        np.abs(matrix[tile.rows, tile.columns], out=part)
        if np.isnan(part).any():
            reject_nan("x", x)
        for row, magnitudes in enumerate(part, start=tile.rows.start):
            kept = np.isfinite(magnitudes)
            if not kept.all():
                magnitudes[~kept] = 0
            if above is not None:
                kept &= magnitudes > above[row]
                magnitudes *= kept
            total = exact_sum(magnitudes, scratch)
            found.append((row, total, int(np.count_nonzero(kept))))

    for_each_tile(work, tiles(matrix.shape))
    for row, total, count in found:
        totals[row] += total
        counts[row] += count
    return totals, counts


def exact_sum(numbers: Real, scratch: Scratch) -> Fraction:
    """Add up to `TILE` finite float64 exactly, spending the vector.

    A sum of multiples of 2^g, each within 2^(g + 35), is exact in float64. Adding and subtracting
    1.5 2^(52 + g) splits off such multiples; what is left is split again, on a finer grid.

    >>> exact_sum(np.array([1e300, 1e-300]), Scratch()) == Fraction(1e300) + Fraction(1e-300)
    True
    """
    total = Fraction(0)
    buffer = scratch.like("multiples", numbers)
    while peak := float(np.abs(numbers, out=buffer).max(initial=0)):
        if peak > _HUGE:  # where the anchor would overflow
            large = np.abs(numbers) >= 1
            total += exact_sum(numbers[large] / _HUGE, Scratch()) * Fraction(_HUGE)
            numbers[large] = 0
            continue
        grid = max(frexp(peak)[1] - _SUM_BITS + 1, _LEAST_EXPONENT)
        anchor = 1.5 * 2.0 ** (52 + grid)
        multiples = np.add(numbers, anchor, out=buffer)
        multiples -= anchor
        total += Fraction(float(multiples.sum()))
        numbers -= multiples
    return total


def _broadcast(x: Real, channel_axis: int | None) -> tuple[int, ...]:
    if channel_axis is None or x.ndim == 0:
        return () if channel_axis is None else x.shape
    return tuple(size if i == channel_axis else 1 for i, size in enumerate(x.shape))
