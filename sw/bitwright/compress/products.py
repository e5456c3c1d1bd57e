"""The exact product of int8 matrices on torch's integer kernels, where the processor has them."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bitwright import arith

LONGEST = 2**31 // 2**14 - 1
"""Products of K int8 codes whose sum int32 surely holds: K 2^14 < 2^31."""


def matmul(a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
    """a b, exact: (M, K) and (K, N) integers to (M, N); the twin of `bitwright.arith.matmul`.

    int8 arrays of up to `LONGEST` products go through ``torch._int_mm``, which adds in int32; on a
    processor with int8 instructions it is several times as fast as float32 BLAS. Everything else is
    `bitwright.arith.matmul`'s.
    """
    left, right = np.asarray(a), np.asarray(b)
    bytes_alone = left.dtype == right.dtype == np.int8
    plain = left.ndim == right.ndim == 2 and left.size and right.size
    if not (bytes_alone and plain and left.shape[1] == right.shape[0] <= LONGEST):
        return arith.matmul(left, right)
    # Copies: torch takes neither negative strides nor what is read-only.
    product = torch._int_mm(torch.from_numpy(left.copy()), torch.from_numpy(right.copy()))
    return product.numpy().astype(np.int64)
