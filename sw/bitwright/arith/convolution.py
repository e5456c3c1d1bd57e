"""Exact integer convolution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range, extremes, magnitude
from bitwright.arith.exact import (
    Blocking,
    as_codes,
    blocked_product,
    blocking,
    fits_blocks,
    refine,
)
from bitwright.arith.window import PaddingLike, PairLike, Window

_CHUNK = 1 << 20
"""Elements of a chunk's patches: 4 MiB of float32, near the caches."""
_FEW = 4
"""Outputs per channel up to which a sum over taps beats a GEMM."""
_BIAS_LIMIT = 1 << 62


def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PaddingLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
    x_zero_point: int = 0,
) -> Integers:
    """Compute sum_{c,i,j} (x[n, c, oy sy + i dy - top, ...] - zx) w[o, c, i, j] + bias[o], exactly.

    ``x`` is (N, C, H, W), ``w`` (O, C / groups, kh, kw), ``bias`` (O,) or None; the result is
    (N, O, OH, OW) in int64. Codes have at most 16 bits, in any integer type. Padding reads as the
    zero point: it contributes nothing. ``stride`` and ``dilation`` are integers or pairs,
    ``padding`` also (top, left, bottom, right).

    Exact: |x - zx| <= 2^17 and |w| <= 2^16, so a sum of K products is below 2^33 K, and with a bias
    below 2^62 the result fits int64 for every K below 2^29. The blocks are those of
    `bitwright.arith.exact`.

    Raises TypeError for arrays that are not integer, ValueError for codes out of range and for
    shapes that do not match.

    >>> conv2d([[[[1, 2], [3, 4]]]], [[[[1, -1]]]], bias=[10], padding=(0, 0, 0, 1), x_zero_point=1)
    array([[[[ 9, 11],
             [ 9, 13]]]])
    """
    codes, weights = as_codes("x", x), as_codes("w", w)
    check_range("x_zero_point", as_integers("x_zero_point", x_zero_point), -(1 << 16), 1 << 16)
    check_shapes(codes.shape, weights.shape, groups)
    offsets = as_bias(bias, weights.shape[0])
    window = Window.of((weights.shape[2], weights.shape[3]), stride, padding, dilation)
    result = exact_convolution(codes, weights, window, groups, x_zero_point)
    result += offsets[:, None, None]
    return result


def exact_convolution(
    codes: NDArray[np.integer],
    weights: NDArray[np.integer],
    window: Window,
    groups: int = 1,
    x_zero_point: int = 0,
) -> Integers:
    """Do `conv2d`, without its checks, for integers of up to 62 bits and results that fit int64.

    Integers too wide for blocks in float64 are split, as `bitwright.arith.products` splits them.
    """
    outputs = weights.shape[0]
    images, _, height, width = codes.shape
    rows, columns = window.output(height, width)
    low, high = extremes(codes)
    bound = max(abs(low - x_zero_point), abs(high - x_zero_point))
    k = weights.shape[1] * weights.shape[2] * weights.shape[3]
    heaviest_weight = magnitude(weights)
    if not fits_blocks(k, bound, heaviest_weight):
        offsets = codes.astype(np.int64) - x_zero_point
        half = max(bound, heaviest_weight).bit_length() // 2
        wide = offsets if bound >= heaviest_weight else weights
        parts = wide >> half, wide & ((1 << half) - 1)
        upper, lower = (
            exact_convolution(part, weights, window, groups)
            if bound >= heaviest_weight
            else exact_convolution(offsets, part, window, groups)
            for part in parts
        )
        return (upper << half) + lower
    # Exact: float64 holds what fits_blocks accepts.
    wide_taps = weights.reshape(groups, outputs // groups, k).astype(np.float64)  # (G, O/G, K)
    # Every partial sum of an output is bounded by max|x - zx| sum|w|.
    heaviest = int(np.abs(wide_taps).sum(axis=2).max(initial=0))
    plan = refine(blocking(k, bound, heaviest_weight), k, bound * heaviest)
    kernel = _Kernel(taps=wide_taps.astype(plan.dtype, copy=False), window=window, plan=plan)

    result = np.empty((images, outputs, rows, columns), np.int64)
    per_image = max(k * groups * rows * columns, 1)
    chunk = max(1, min(images, _CHUNK // per_image))
    buffer = np.zeros((chunk, codes.shape[1], *window.padded(height, width)), plan.dtype)
    top, left, _, _ = window.padding
    for start in range(0, images, chunk):
        part = codes[start : start + chunk]
        padded = buffer[: len(part)]
        # Exact: both operands and their difference fit the float type. The border stays zero.
        np.subtract(
            part,
            plan.dtype(x_zero_point),
            out=padded[:, :, top : top + height, left : left + width],
            dtype=plan.dtype,
            casting="unsafe",
        )
        kernel.apply(padded, result[start : start + len(part)])
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kernel:
    """The weights of a convolution as floats, with the window they slide in."""

    taps: NDArray[np.floating]
    """(G, O/G, K), K = C/G kh kw."""
    window: Window
    plan: Blocking

    def apply(self, padded: NDArray[np.floating], out: Integers) -> None:
        """Convolve padded (n, C, PH, PW) into out (n, O, OH, OW)."""
        n, outputs, rows, columns = out.shape
        groups, per_group, k = self.taps.shape
        view = self.window.view(padded, rows, columns)  # (C, kh, kw, n, OH, OW)
        if len(view) == groups and per_group <= _FEW and k <= self.plan.length:
            self._sum_taps(view, out)
            return
        patches = view.reshape(groups, k, n * rows * columns)  # the one copy: im2col
        sums = blocked_product(self.taps, patches, self.plan.length)  # (G, O/G, n OH OW)
        out[...] = sums.reshape(outputs, n, rows, columns).transpose(1, 0, 2, 3)

    def _sum_taps(self, view: NDArray[np.floating], out: Integers) -> None:
        """Do `apply` for depthwise convolution: a GEMM would have one row per channel."""
        n, outputs, rows, columns = out.shape
        channels, height, width = view.shape[:3]
        multiplicity = outputs // channels
        total = np.zeros((n, channels, multiplicity, rows, columns), view.dtype)
        product = np.empty_like(total)
        weights = self.taps.reshape(channels, multiplicity, height, width)
        for i in range(height):
            for j in range(width):
                image = view[:, i, j].transpose(1, 0, 2, 3)[:, :, None]  # (n, C, 1, OH, OW)
                np.multiply(image, weights[:, :, i, j, None, None], out=product)
                total += product
        out[...] = total.reshape(out.shape)


def check_shapes(x: tuple[int, ...], w: tuple[int, ...], groups: int) -> None:
    """Raise ValueError unless images and kernels of such shapes convolve."""
    if len(x) != 4 or len(w) != 4:
        raise ValueError(f"x must be (N, C, H, W) and w (O, C/groups, kh, kw), not {x} and {w}")
    if groups < 1 or x[1] % groups or w[0] % groups or x[1] // groups != w[1]:
        raise ValueError(
            f"groups = {groups} must divide the {x[1]} channels of x {x} and the {w[0]} outputs "
            f"of w {w}, and w must have channels / groups input channels"
        )


def as_bias(bias: ArrayLike | None, outputs: int) -> Integers:
    """Give a bias per output, zeros for None; ValueError for another shape or beyond 2^62."""
    offsets = np.zeros(outputs, np.int64) if bias is None else as_integers("bias", bias)
    if offsets.shape != (outputs,):
        raise ValueError(f"bias must have shape ({outputs},), but has {offsets.shape}")
    check_range("bias", offsets, -_BIAS_LIMIT, _BIAS_LIMIT)
    return offsets
