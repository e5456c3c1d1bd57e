"""Products of packed bits: acc = K - 2 popcount(a xor w), 64 positions at a time.

`dot` multiplies ±1 through BLAS, which is faster where memory allows a float per bit. This is the
same sum on the words that an XNOR engine reads.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.tiles import Scratch, Tile, for_each_tile, tiles

Words = NDArray[np.uint64]
WORD = 64


def pack_words(codes: ArrayLike) -> Words:
    """Pack codes 0 (-1) and 1 (+1) along the last axis: position k is bit k mod 64 of word k // 64.

    The last word is filled up with zeros, which `xnor_dot` does not count.

    >>> pack_words([1, 0, 1, 1])
    array([13], dtype=uint64)
    """
    bits = as_integers("codes", codes)
    if bits.ndim == 0:
        raise ValueError("codes must have an axis to pack, but is a scalar")
    check_range("codes", bits, 0, 1)
    length = bits.shape[-1]
    filled = np.zeros((*bits.shape[:-1], -(-length // WORD) * WORD), np.uint8)
    filled[..., :length] = bits
    packed = np.packbits(filled, axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def xnor_dot(a: Words, w: Words, k: int, valid: Words | None = None) -> Integers:
    """Compute K - 2 popcount(a xor w) of every row of a (M, words) with every row of w (N, words).

    K is ``k``, or, for each row of a, the number of ones in ``valid`` (M, words): the positions
    that are no padding, among the first k. Nothing else contributes.

    >>> xnor_dot(pack_words([[1, 1, 0]]), pack_words([[1, 0, 0], [0, 0, 1]]), 3)
    array([[ 1, -3]])
    """
    words = -(-k // WORD)
    for name, packed in (("a", a), ("w", w), ("valid", a if valid is None else valid)):
        if packed.ndim != 2 or packed.shape[1] != words:
            raise ValueError(f"{name} must be (rows, {words}) for k = {k}, but is {packed.shape}")
    inside = pack_words(np.ones((1, k), np.int64))
    mask = np.broadcast_to(inside if valid is None else valid & inside, a.shape)
    counts = np.bitwise_count(mask).sum(axis=1, dtype=np.int64)  # (M,)
    out = np.empty((len(a), len(w)), np.int64)

    def work(tile: Tile, scratch: Scratch) -> None:
        differ = scratch.array("differ", tile.shape, np.dtype(np.uint64))
        ones = scratch.array("ones", tile.shape, np.dtype(np.uint8))
        total = scratch.array("total", tile.shape, np.dtype(np.int64))
        total[...] = counts[tile.rows, np.newaxis]
        for word in range(words):
            np.bitwise_xor(a[tile.rows, word, np.newaxis], w[tile.columns, word], out=differ)
            differ &= mask[tile.rows, word, np.newaxis]
            np.bitwise_count(differ, out=ones)
            total -= ones
            total -= ones
        out[tile.rows, tile.columns] = total

    for_each_tile(work, tiles(out.shape))
    return out
