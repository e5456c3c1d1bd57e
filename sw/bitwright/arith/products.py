"""Exact integer matrix products."""

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers, magnitude
from bitwright.arith.exact import as_codes, blocked_product, blocking, refine


def matmul(a: ArrayLike, b: ArrayLike) -> Integers:
    """Compute sum_k a[..., m, k] b[..., k, n] in int64, exactly; shapes as in `numpy.matmul`.

    Codes of any integer type, |code| <= 2^16: 16 bits, with or without a zero point subtracted.
    Raises TypeError for other types, ValueError for larger codes (naming the first) or shapes that
    do not match.

    >>> matmul(np.int8([[1, 2], [-128, 127]]), np.int8([[-128], [127]]))
    array([[  126],
           [32513]])
    """
    left, right = as_codes("a", a), as_codes("b", b)
    if left.ndim == 0 or right.ndim == 0:
        raise ValueError(f"matmul takes no scalars, but shapes are {left.shape} and {right.shape}")
    k = left.shape[-1]
    if right.shape[-2 if right.ndim > 1 else 0] != k:
        raise ValueError(
            f"the last axis of a must match the last but one of b, but shapes are {left.shape} "
            f"and {right.shape}"
        )
    rows = np.atleast_2d(left)  # (..., M, K)
    columns = right if right.ndim > 1 else right[:, None]  # (..., K, N)
    bound = magnitude(left)
    plan = blocking(k, bound, magnitude(right))
    factors = columns.astype(np.float32)  # exact: |code| <= 2^16 < 2^24
    if plan.length < k or plan.dtype is np.float64:
        # Every partial sum of a column is bounded by max|a| sum|b|; itself exact in float64.
        heaviest = np.abs(factors).sum(axis=-2, dtype=np.float64).max(initial=0)
        plan = refine(plan, k, bound * int(heaviest))
    operand = factors.astype(plan.dtype, copy=False)
    product = blocked_product(rows.astype(plan.dtype), operand, plan.length)
    if right.ndim == 1:
        product = product[..., 0]
    if left.ndim == 1:
        product = product[..., 0] if right.ndim == 1 else product[..., 0, :]
    return product.astype(np.int64, copy=False)
