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
    bound = magnitude(left)
    plan = blocking(k, bound, magnitude(right))
    # Exact: |code| <= 2^16 < 2^24.
    columns = right.astype(np.float32)
    if plan.length < k or plan.dtype is np.float64:
        # Every partial sum of a column is bounded by max|a| sum|b|; itself exact in float64.
        heaviest = np.abs(columns).sum(axis=0 if right.ndim == 1 else -2, dtype=np.float64)
        plan = refine(plan, k, bound * int(heaviest.max(initial=0)))
    operand = columns.astype(plan.dtype, copy=False)
    if right.ndim == 1:
        product = blocked_product(left.astype(plan.dtype), operand[:, None], plan.length)
        return product[..., 0].astype(np.int64, copy=False)
    return blocked_product(left.astype(plan.dtype), operand, plan.length).astype(np.int64)
