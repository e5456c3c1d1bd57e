"""Exact integer products through float BLAS.

A float of p bits adds and multiplies integers exactly as long as no product and no partial sum, in
whatever order the BLAS forms them, exceeds 2^p (fused multiply-add included: the exact result is
representable, hence rounding does nothing). numpy has no integer BLAS, and float32 is some hundred
times faster than int64.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import magnitude

Floating: TypeAlias = type[np.float32] | type[np.float64]

FLOAT32_LIMIT = 1 << 24
FLOAT64_LIMIT = 1 << 53
CODE_LIMIT = 1 << 16
"""Largest |code|: a 16-bit code, with or without its zero point subtracted."""
_WORTHWHILE = 128  # shorter float32 blocks lose to one float64 product


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """How a contraction of length K is cut so that each piece is exact."""

    dtype: Floating
    length: int
    """Of a block along K; at least 1."""


def blocking(k: int, bound_a: int, bound_b: int, bound_sum: int | None = None) -> Blocking:
    """Choose float type and block length for a contraction of length k, |a| <= bound_a, |b| <= bound_b.

    ``bound_sum`` is a tighter bound on sum |a b| over all of k, if the caller has one; should it
    allow a single float32 block, that is the answer. Otherwise a block's partial sums are bounded by
    length bound_a bound_b.

    >>> blocking(4096, 128, 128).length  # 1024 128 128 = 2^24
    1024
    """
    product = max(bound_a * bound_b, 1)
    if min(k * product, FLOAT32_LIMIT + 1 if bound_sum is None else bound_sum) <= FLOAT32_LIMIT:
        return Blocking(dtype=np.float32, length=max(k, 1))
    if FLOAT32_LIMIT // product >= _WORTHWHILE:
        return Blocking(dtype=np.float32, length=FLOAT32_LIMIT // product)
    # Codes are at most 2^16, so that product <= 2^32 and the length is at least 2^21.
    return Blocking(dtype=np.float64, length=FLOAT64_LIMIT // product)


def column_bound(b: NDArray[np.integer], bound_a: int) -> int:
    """Give bound_a max over columns of sum|b|, a bound on every partial sum of a @ b; b is (..., K, N)."""
    if b.size == 0:
        return 0
    return bound_a * int(np.abs(b, dtype=np.int64).sum(axis=-2).max())


def blocked_product(
    a: NDArray[np.floating], b: NDArray[np.floating], length: int
) -> NDArray[np.floating]:
    """Compute a @ b, contracting ``length`` at a time; exact if `blocking` chose length and type.

    Integers of float32 blocks are summed in float64, exact below 2^53: K products of two codes stay
    below it for every K up to 2^21.
    """
    k = a.shape[-1]
    if k <= length:
        return np.matmul(a, b)
    total = np.matmul(a[..., :length], b[..., :length, :]).astype(np.float64)
    for start in range(length, k, length):
        total += np.matmul(a[..., start : start + length], b[..., start : start + length, :])
    return total


def check_codes(name: str, codes: NDArray[np.integer]) -> int:
    """Give max |code|; ValueError if it exceeds 2^16."""
    bound = magnitude(codes)
    if bound > CODE_LIMIT:
        index = tuple(int(i) for i in np.argwhere(np.abs(codes.astype(object)) > CODE_LIMIT)[0])
        raise ValueError(
            f"{name} must be codes of at most 16 bits (|code| <= {CODE_LIMIT}, zero point "
            f"subtracted), but {int(codes[index])} at index {index} is not"
        )
    return bound
