"""Exact integer matrix products."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, magnitude
from bitwright.arith.exact import (
    FLOAT32_LIMIT,
    as_codes,
    blocked_product,
    blocking,
    fits_blocks,
    refine,
)

_ROWS = 256
"""Rows converted and multiplied at a time: their floats stay near the cache and reuse memory."""


def matmul(a: ArrayLike, b: ArrayLike) -> Integers:
    """Compute sum_k a[..., m, k] b[..., k, n] in int64, exactly; shapes as in `numpy.matmul`.

    Codes of any integer type, |code| <= 2^16: 16 bits, with or without a zero point subtracted.
    Raises TypeError for other types, ValueError for larger codes (naming the first) or shapes that
    do not match.

    >>> matmul(np.int8([[1, 2], [-128, 127]]), np.int8([[-128], [127]]))
    array([[  126],
           [32513]])
    """
    return vector_product(as_codes("a", a), as_codes("b", b))


def vector_product(left: NDArray[np.integer], right: NDArray[np.integer]) -> Integers:
    """Do `exact_product` for operands that may be vectors, as `numpy.matmul` takes them."""
    check_matmul_shapes(left.shape, right.shape)
    rows = np.atleast_2d(left)  # (..., M, K)
    columns = right if right.ndim > 1 else right[:, None]  # (..., K, N)
    return squeeze(exact_product(rows, columns), left.ndim, right.ndim)


def exact_product(rows: NDArray[np.integer], columns: NDArray[np.integer]) -> Integers:
    """Compute rows (..., M, K) @ columns (..., K, N) for integers of up to 62 bits.

    Exact if the caller has proved that the result fits int64. Integers too wide for blocks in
    float64 are split into halves, a = ah 2^s + al: the products of the parts are exact modulo 2^64,
    and so is their sum.
    """
    k = rows.shape[-1]
    bound_a, bound_b = magnitude(rows), magnitude(columns)
    if not fits_blocks(k, bound_a, bound_b):
        half = max(bound_a, bound_b).bit_length() // 2
        wide = rows if bound_a >= bound_b else columns
        high, low = wide >> half, wide & ((1 << half) - 1)
        if bound_a >= bound_b:
            return (exact_product(high, columns) << half) + exact_product(low, columns)
        return (exact_product(rows, high) << half) + exact_product(rows, low)
    plan = blocking(k, bound_a, bound_b)
    exact = np.float32 if bound_b <= FLOAT32_LIMIT else np.float64
    factors = columns.astype(exact)
    if plan.length < k or plan.dtype is np.float64:
        # Every partial sum of a column is bounded by max|a| sum|b|; itself exact in float64.
        heaviest = np.abs(factors).sum(axis=-2, dtype=np.float64).max(initial=0)
        plan = refine(plan, k, bound_a * int(heaviest))
    operand = factors.astype(plan.dtype, copy=False)
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    out = np.empty((*stack, rows.shape[-2], columns.shape[-1]), np.int64)
    for start in range(0, rows.shape[-2], _ROWS):
        some = np.s_[..., start : start + _ROWS, :]
        out[some] = blocked_product(rows[some].astype(plan.dtype), operand, plan.length)
    return out


def check_matmul_shapes(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Raise ValueError unless `numpy.matmul` would contract shapes like these."""
    if not left or not right:
        raise ValueError(f"matmul takes no scalars, but shapes are {left} and {right}")
    if right[-2 if len(right) > 1 else 0] != left[-1]:
        raise ValueError(
            f"the last axis of a must match the last but one of b, but shapes are {left} "
            f"and {right}"
        )


def squeeze(product: Integers, left: int, right: int) -> Integers:
    """Take away the axes of length 1 that stood for those a vector operand does not have."""
    if right == 1:
        product = product[..., 0]
    if left == 1:
        product = product[..., 0] if right == 1 else product[..., 0, :]
    return product
