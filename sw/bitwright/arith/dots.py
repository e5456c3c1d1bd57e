"""Dot products, matrix products and convolutions of encoded arrays, and of plain integers.

One law for every pair of formats, see `bitwright.arith.contraction`: exact integers, rounded only
where a block or a product ends, so that no order, tiling or machine changes a bit.
"""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith import convolution, products
from bitwright.arith.accumulated import Accumulated
from bitwright.arith.bounds import block_peaks, block_sums
from bitwright.arith.checks import Integers
from bitwright.arith.contraction import Law
from bitwright.arith.encoded_convolution import convolve
from bitwright.arith.format import Encoded
from bitwright.arith.nearest import Real
from bitwright.arith.operand import IntegerArray, Operand, operand
from bitwright.arith.window import PaddingLike, PairLike


def dot(a: Encoded[Any], b: Encoded[Any], *, lsb: int | None = None) -> Accumulated:
    """Compute sum_k a[..., k] b[..., k] of all vectors of a and all of b, as `numpy.inner`.

    Both are contracted along their last axis, as activations (M, K) and weights (N, K) lie; the
    result has the other axes of a, then those of b. Blocks, if any, run along the last axis.

    Without ``lsb`` the sum is exact. With it, accumulators are multiples of 2^lsb: each block of a
    block format, and each product of other formats, is rounded to one, half_even. Block formats,
    and formats whose exact sum exceeds 64 bits, need it.

    Raises ValueError for axes that do not match, codes that are NaN or infinite (with their index),
    a missing lsb (proposing one) and one so fine that sums may exceed 64 bits.

    >>> from bitwright.arith import parse
    >>> fmt = parse("fix8.7")
    >>> found = dot(fmt.encode([0.5, 0.25]), fmt.encode([0.5, -0.125]))
    >>> found.acc, found.lsb, found.decode()
    (array(3584), -14, array(0.21875))
    """
    left, right = operand("a", a, -1), operand("b", b, -1)
    shape_a, shape_b = left.codes.shape[:-1], right.codes.shape[:-1]
    k = left.codes.shape[-1]
    if right.codes.shape[-1] != k:
        raise ValueError(
            f"the last axes of a and b must match, but shapes are {left.codes.shape} and "
            f"{right.codes.shape}"
        )
    law = Law.of(left, right, k, lsb)
    rows, columns = (law.form(side).rearranged(_vectors) for side in (left, right))
    starts = law.starts(k)
    limits = law.limits(block_peaks(rows, starts), block_sums(columns, starts))
    scale_a = _without(left, -1)
    return Accumulated(
        acc=law.contract(rows, columns, limits).reshape((*shape_a, *shape_b)),
        lsb=law.lsb,
        scale_a=scale_a.reshape(scale_a.shape + (1,) * (scale_a.ndim and len(shape_b))),
        scale_b=_without(right, -1),
        bound=limits.bound,
    )


@overload
def matmul(a: ArrayLike, b: ArrayLike) -> Integers: ...
@overload
def matmul(a: Encoded[Any], b: Encoded[Any], *, lsb: int | None = None) -> Accumulated: ...
def matmul(
    a: ArrayLike | Encoded[Any], b: ArrayLike | Encoded[Any], *, lsb: int | None = None
) -> Integers | Accumulated:
    """Compute sum_k a[..., m, k] b[..., k, n], exactly; shapes as in `numpy.matmul`.

    Of integers (|code| <= 2^16), in int64: see `bitwright.arith.products.matmul`. Of encoded
    arrays, with blocks along the last axis of a and the last but one of b: see `dot`.

    >>> matmul(np.int8([[1, 2], [-128, 127]]), np.int8([[-128], [127]]))
    array([[  126],
           [32513]])
    """
    if not isinstance(a, Encoded) or not isinstance(b, Encoded):
        _reject_mixture("matmul", a, b, lsb)
        return products.matmul(a, b)  # type: ignore[arg-type]
    products.check_matmul_shapes(a.codes.shape, b.codes.shape)
    left = operand("a", a, -1)
    right = operand("b", b, -2 if b.codes.ndim > 1 else -1)
    k = left.codes.shape[-1]
    law = Law.of(left, right, k, lsb)
    rows = law.form(left).rearranged(np.atleast_2d)  # (..., M, K)
    columns = law.form(right).rearranged(_columns)  # (..., N, K)
    starts = law.starts(k)
    limits = law.limits(
        block_peaks(rows.rearranged(_vectors), starts),
        block_sums(columns.rearranged(_vectors), starts),
    )
    acc = law.contract(rows, columns, limits)
    vector = b.codes.ndim == 1
    return Accumulated(
        acc=products.squeeze(acc, a.codes.ndim, b.codes.ndim),
        lsb=law.lsb,
        scale_a=_without(left, -1) if vector else left.scale,
        scale_b=_without(right, -1 if vector else -2) if a.codes.ndim == 1 else right.scale,
        bound=limits.bound,
    )


@overload
def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
    x_zero_point: int = 0,
) -> Integers: ...
@overload
def conv2d(
    x: Encoded[Any],
    w: Encoded[Any],
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
    *,
    lsb: int | None = None,
) -> Accumulated: ...
def conv2d(
    x: ArrayLike | Encoded[Any],
    w: ArrayLike | Encoded[Any],
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
    x_zero_point: int = 0,
    *,
    lsb: int | None = None,
) -> Integers | Accumulated:
    """Compute sum_{c,i,j} x[n, c, oy sy + i dy - top, ...] w[o, c, i, j] + bias[o], exactly.

    Of integers, in int64: see `bitwright.arith.convolution.conv2d`. Of encoded arrays: ``x`` is
    (N, C, H, W), ``w`` (O, C / groups, kh, kw), and blocks run along the channels, axis 1 of both,
    anew for each tap of the kernel. Padding contributes nothing. ``bias`` is in units of the
    accumulator. Rounding, ``lsb`` and errors are those of `dot`.

    >>> conv2d([[[[1, 2], [3, 4]]]], [[[[1, -1]]]], bias=[10], padding=(0, 0, 0, 1), x_zero_point=1)
    array([[[[ 9, 11],
             [ 9, 13]]]])
    """
    if not isinstance(x, Encoded) or not isinstance(w, Encoded):
        _reject_mixture("conv2d", x, w, lsb)
        return convolution.conv2d(
            x,  # type: ignore[arg-type]
            w,  # type: ignore[arg-type]
            bias,
            stride,
            padding,
            dilation,
            groups,
            x_zero_point,
        )
    if x_zero_point:
        raise ValueError("x_zero_point is for integers; an encoded x brings its own")
    return convolve(x, w, bias, stride, padding, dilation, groups, lsb)


def _reject_mixture(name: str, a: object, b: object, lsb: int | None) -> None:
    if isinstance(a, Encoded) or isinstance(b, Encoded):
        raise TypeError(f"{name} takes two integer arrays or two encoded arrays, not one of each")
    if lsb is not None:
        raise ValueError(f"{name} of integers is exact and takes no lsb")


def _vectors(array: IntegerArray) -> IntegerArray:
    """Give (..., K) as (vectors, K)."""
    return array.reshape(int(np.prod(array.shape[:-1], dtype=np.int64)), array.shape[-1])


def _columns(array: IntegerArray) -> IntegerArray:
    """Give (..., K, N) as (..., N, K), and a vector as the only one."""
    return np.swapaxes(array, -1, -2) if array.ndim > 1 else array[np.newaxis]


def _without(side: Operand, axis: int) -> Real:
    """Give the scale without the contracted axis."""
    return np.asarray(np.squeeze(side.scale, axis)) if side.scale.ndim else side.scale
