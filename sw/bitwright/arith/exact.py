"""Exact integer products through float BLAS.

A float of p bits adds and multiplies integers exactly as long as no product and no partial sum, in
whatever order the BLAS forms them, exceeds 2^p (fused multiply-add included: the exact result is
representable, hence rounding does nothing). numpy has no integer BLAS, and float32 is some hundred
times faster than int64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, check_range, integer_array

FLOAT32_LIMIT = 1 << 24
FLOAT64_LIMIT = 1 << 53
CODE_LIMIT = 1 << 16
"""Largest |code|: a 16-bit code, with or without its zero point subtracted."""
_WORTHWHILE = 128  # shorter float32 blocks lose to one float64 product
ONE_THREAD = 1 << 18
"""Products up to which OpenBLAS stays in the calling thread.

Beyond, its threads spin for each other: where other processes share the cores (test workers, a
simulation beside), each call stalls for some 20 ms, a hundred times what a small product takes.
"""

_LEAST_TILE = 8
"""Narrower tiles cost two to three times the whole product's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """How a contraction of length K is cut so that each piece is exact."""

    dtype: type[np.floating[Any]]
    length: int
    """Of a block along K; at least 1."""


def blocking(k: int, bound_a: int, bound_b: int) -> Blocking:
    """Choose float type and block length for sum_k a b with |a| <= bound_a and |b| <= bound_b.

    Every partial sum of a block is bounded by length bound_a bound_b, and bound_a bound_b must not
    exceed 2^53 (two codes of at most 2^16 give 2^32, and a length of at least 2^21).

    >>> blocking(4096, 128, 128).length  # 1024 128 128 = 2^24
    1024
    """
    product = max(bound_a * bound_b, 1)
    if FLOAT32_LIMIT // product >= min(k, _WORTHWHILE):
        return Blocking(dtype=np.float32, length=FLOAT32_LIMIT // product)
    return Blocking(dtype=np.float64, length=FLOAT64_LIMIT // product)


def fits_blocks(k: int, bound_a: int, bound_b: int) -> bool:
    """Tell whether `blocking` finds blocks worth their while: integers beyond must be split."""
    return bound_a * bound_b * min(k, _WORTHWHILE) <= FLOAT64_LIMIT


def refine(plan: Blocking, k: int, bound_sum: int) -> Blocking:
    """Widen the plan to one float32 block if ``bound_sum``, at least sum|a b| over k, allows it."""
    if bound_sum <= FLOAT32_LIMIT:
        return Blocking(dtype=np.float32, length=max(k, 1))
    return plan


def blocked_product(
    a: NDArray[np.floating], b: NDArray[np.floating], length: int
) -> NDArray[np.floating] | Integers:
    """Compute a @ b in integers, contracting ``length`` at a time; exact if `blocking` chose it.

    Integral floats if one block does, int64 otherwise: blocks are added in int64, as a sum of them
    may exceed what the float type holds.
    """
    k = a.shape[-1]
    first = _tiled_product(a[..., :length], b[..., :length, :])
    if k <= length:
        return first
    total = first.astype(np.int64)
    for start in range(length, k, length):
        part = _tiled_product(a[..., start : start + length], b[..., start : start + length, :])
        total += part.astype(np.int64)
    return total


def _tiled_product(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Compute a @ b, the longer of rows and columns in tiles that need no second thread."""
    rows, columns = a.shape[-2], b.shape[-1]
    tile = ONE_THREAD // max(a.shape[-1] * min(rows, columns), 1)
    if not _LEAST_TILE <= tile < max(rows, columns):
        return float_product(a, b)
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.empty((*stack, rows, columns), a.dtype)
    for start in range(0, max(rows, columns), tile):
        part = slice(start, start + tile)
        if rows > columns:
            float_product(a[..., part, :], b, out[..., part, :])
        else:
            float_product(a, b[..., part], out[..., part])
    return out


def float_product(
    a: NDArray[np.floating], b: NDArray[np.floating], out: NDArray[np.floating] | None = None
) -> NDArray[np.floating]:
    """Compute a @ b of finite numbers, into ``out`` if it is given.

    OpenBLAS also multiplies what lies behind a matrix in its buffers, uses none of it, and yet may
    leave the flag of an invalid operation, of which numpy warns (numpy issues 13173 and 24067).
    """
    with np.errstate(invalid="ignore"):
        product: NDArray[np.floating] = np.matmul(a, b, out=out)
    return product


def as_codes(name: str, codes: ArrayLike) -> NDArray[np.integer]:
    """Give the array of codes; ValueError if one exceeds 2^16, TypeError if not integer."""
    array = integer_array(name, codes)
    if array.dtype.itemsize > 2:  # no code of 8 or 16 bits exceeds it
        check_range(name, array, -CODE_LIMIT, CODE_LIMIT)
    return array
