"""Exact matrix products and convolutions of integer codes.

Products run through floating-point BLAS in blocks of the contraction so short that every partial
sum is an integer the format holds exactly (below 2^24 in float32, 2^53 in float64), whatever the
order BLAS adds in.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.rounding import Integers

Codes = NDArray[np.integer]
Float = NDArray[np.float32] | NDArray[np.float64]

MAX_CODE_BITS = 17
"""Codes, less a zero point, are at most this wide, so that float64 blocks are never short."""


def matmul(a: ArrayLike, b: ArrayLike) -> Integers:
    """(M, K) times (K, N), exact, int64; leading dimensions of ``a`` are kept.

    >>> matmul([[127, -128]], [[127], [-128]]).tolist()
    [[32513]]
    """
    left, right = _codes(a, "a"), _codes(b, "b")
    if right.ndim != 2 or left.ndim < 1 or left.shape[-1] != right.shape[0]:
        raise ValueError(f"matmul needs (..., K) and (K, N), got {left.shape} and {right.shape}")
    rows = left.reshape(-1, left.shape[-1])
    return _product(rows, right, _peak(left), _peak(right)).reshape(
        *left.shape[:-1], right.shape[1]
    )


def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    x_zero_point: int = 0,
) -> Integers:
    """acc[n, o, y, x] = sum (x - zx) w + bias over (ci, ky, kx), exact, int64.

    ``x`` (N, I, H, W), ``w`` (O, I / groups, kh, kw), ``bias`` (O,). ``stride`` and ``dilation``
    are an int or (y, x); ``padding`` an int, (y, x) or (top, left, bottom, right), and reads as the
    zero point: it contributes nothing.

    >>> conv2d([[[[1, 2], [3, 4]]]], [[[[1, 1], [1, 1]]]]).tolist()
    [[[[10]]]]
    """
    images, kernels = _codes(x, "x"), _codes(w, "w")
    if images.ndim != 4 or kernels.ndim != 4:
        raise ValueError(f"conv2d needs 4-d x and w, got {images.shape} and {kernels.shape}")
    batch, channels, height, width = images.shape
    outputs, depth, kh, kw = kernels.shape
    if groups < 1 or channels != depth * groups or outputs % groups:
        raise ValueError(
            f"groups must divide both channels: x {images.shape}, w {kernels.shape},"
            f" groups {groups}"
        )
    (sy, sx), (dy, dx) = pair(stride, "stride"), pair(dilation, "dilation")
    top, left, bottom, right = sides(padding)
    oh = (height + top + bottom - dy * (kh - 1) - 1) // sy + 1
    ow = (width + left + right - dx * (kw - 1) - 1) // sx + 1
    if oh < 1 or ow < 1:
        raise ValueError(f"the kernel {(kh, kw)} does not fit the padded input {(height, width)}")

    peak_x = int(
        max(
            abs(int(images.max(initial=0)) - x_zero_point),
            abs(int(images.min(initial=0)) - x_zero_point),
        )
    )
    peak_w = _peak(kernels)
    kind = _float_type(peak_x, peak_w)
    padded = np.zeros((batch, height + top + bottom, width + left + right, channels), kind)
    centre = padded[:, top : top + height, left : left + width]
    np.subtract(images.transpose(0, 2, 3, 1), kind(x_zero_point), out=centre, casting="unsafe")

    span_y, span_x = (oh - 1) * sy + 1, (ow - 1) * sx + 1
    if groups == channels == outputs:
        acc = _depthwise(padded, kernels, (sy, sx), (dy, dx), (span_y, span_x), peak_x * peak_w)
    else:
        # (N, oh, ow, C, kh, kw) as a view; each group's patches are copied once.
        windows = sliding_window_view(padded, (dy * (kh - 1) + 1, dx * (kw - 1) + 1), axis=(1, 2))
        windows = windows[:, :span_y:sy, :span_x:sx, :, ::dy, ::dx]
        acc = np.empty((batch, oh, ow, outputs), np.int64)
        per_group = outputs // groups
        for g in range(groups):
            patches = windows[..., g * depth : (g + 1) * depth, :, :].transpose(0, 1, 2, 4, 5, 3)
            rows = patches.reshape(batch * oh * ow, kh * kw * depth)
            chosen = kernels[g * per_group : (g + 1) * per_group].transpose(2, 3, 1, 0)
            product = _product(rows, chosen.reshape(-1, per_group), peak_x, peak_w)
            acc[..., g * per_group : (g + 1) * per_group] = product.reshape(batch, oh, ow, -1)
    if bias is not None:
        acc += np.asarray(bias, np.int64)[None, None, None, :]
    return np.ascontiguousarray(acc.transpose(0, 3, 1, 2))


def accumulator_bits(weight: ArrayLike, bias: ArrayLike | None, low: int, high: int) -> int:
    """1 + ceil(log2(max over outputs of sum|w| max|a| + |bias| + 1)): a width that never overflows.

    ``weight`` (O, ...), ``bias`` (O,), activations in low..high.

    >>> accumulator_bits([[127]], [0], -128, 127)
    15
    """
    weights = np.asarray(weight, np.int64)
    sums = np.abs(weights).reshape(weights.shape[0], -1).sum(axis=1)
    offsets = np.zeros_like(sums) if bias is None else np.abs(np.asarray(bias, np.int64))
    bound = int((sums * max(abs(low), abs(high)) + offsets).max(initial=0)) + 1
    return 1 + (bound - 1).bit_length()


def pair(value: int | Sequence[int], what: str) -> tuple[int, int]:
    """An int or (y, x) as (y, x), each at least 1."""
    y, x = (value, value) if isinstance(value, int | np.integer) else tuple(value)
    if min(y, x) < 1:
        raise ValueError(f"{what} must be at least 1, got {value}")
    return int(y), int(x)


def sides(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """An int, (y, x) or (top, left, bottom, right) as the latter, none negative."""
    values = (padding,) if isinstance(padding, int | np.integer) else tuple(padding)
    if len(values) not in (1, 2, 4) or min(values) < 0:
        raise ValueError(
            f"padding is an int, (y, x) or (top, left, bottom, right), not negative: {padding}"
        )
    y, x = (values * 2)[:2]
    return (y, x, y, x) if len(values) < 4 else values  # type: ignore[return-value]


def _codes(values: ArrayLike, what: str) -> Codes:
    array = np.asarray(values)
    if array.size == 0 and array.dtype == np.float64:
        array = array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{what} must be integer codes, got {array.dtype}")
    if _peak(array) >> MAX_CODE_BITS:
        raise ValueError(f"{what} has codes beyond {MAX_CODE_BITS} bits")
    return array


def _peak(array: Codes) -> int:
    return max(abs(int(array.max(initial=0))), abs(int(array.min(initial=0))))


def _float_type(peak_a: int, peak_b: int) -> type[np.float32] | type[np.float64]:
    # float32 pays while a block of at least 64 products is exact in it.
    return np.float32 if max(peak_a, 1) * max(peak_b, 1) * 64 < 1 << 24 else np.float64


def _product(rows: NDArray[Any], columns: NDArray[Any], peak_a: int, peak_b: int) -> Integers:
    """(M, K) (K, N), with |a| <= peak_a and |b| <= peak_b."""
    kind = _float_type(peak_a, peak_b)
    limit = (1 << 24) if kind is np.float32 else (1 << 53)
    # Every partial sum of a block is at most block peak_a peak_b <= limit in magnitude: exact.
    block = limit // (max(peak_a, 1) * max(peak_b, 1))
    a, b = rows.astype(kind, copy=False), columns.astype(kind)
    depth = a.shape[1]
    if depth <= block:
        return (a @ b).astype(np.int64)
    acc = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for start in range(0, depth, block):
        acc += (a[:, start : start + block] @ b[start : start + block]).astype(np.int64)
    return acc


def _depthwise(
    padded: Float,
    kernels: Codes,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    span: tuple[int, int],
    peak_product: int,
) -> Integers:
    """One kernel per channel: the taps' shifted images, added. Returns (N, oh, ow, C)."""
    _, _, kh, kw = kernels.shape
    kind = padded.dtype if peak_product * kh * kw <= 1 << 24 else np.dtype(np.float64)
    total: NDArray[np.generic] | None = None
    for ky in range(kh):
        for kx in range(kw):
            y, x = ky * dilation[0], kx * dilation[1]
            tap = padded[:, y : y + span[0] : stride[0], x : x + span[1] : stride[1]]
            term = tap.astype(kind, copy=False) * kernels[:, 0, ky, kx].astype(kind)
            total = term if total is None else np.add(total, term, out=total)
    assert total is not None
    return total.astype(np.int64)
