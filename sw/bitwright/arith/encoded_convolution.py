"""Convolution of encoded arrays: blocks run along the channels, anew for each tap of the kernel."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.accumulated import Accumulated
from bitwright.arith.bounds import block_peaks, block_sums
from bitwright.arith.checks import Integers
from bitwright.arith.contraction import Law, Limits, Rule
from bitwright.arith.convolution import as_bias, check_shapes, exact_convolution
from bitwright.arith.format import Encoded
from bitwright.arith.operand import IntegerArray, Operand, Terms, operand
from bitwright.arith.rounded_sums import sum_blocks
from bitwright.arith.window import PaddingLike, PairLike, Window

_CHUNK = 1 << 22
"""Elements of the patches formed at a time."""


def convolve(
    x: Encoded[Any],
    w: Encoded[Any],
    bias: ArrayLike | None,
    stride: PairLike,
    padding: PaddingLike,
    dilation: PairLike,
    groups: int,
    lsb: int | None,
) -> Accumulated:
    """Do what `bitwright.arith.conv2d` does for encoded arrays."""
    check_shapes(x.codes.shape, w.codes.shape, groups)
    left, right = operand("x", x, 1), operand("w", w, 1)
    outputs, depth, *kernel = right.codes.shape
    offsets = as_bias(bias, outputs)
    window = Window.of((kernel[0], kernel[1]), stride, padding, dilation)
    _check_scale("x", left, "image")
    _check_scale("w", right, "output")
    if groups > 1 and left.block is not None and depth % left.block:
        raise ValueError(
            f"the blocks of x ({left.format}) must not straddle groups, but {left.block} does not "
            f"divide the {depth} channels of a group"
        )
    taps = kernel[0] * kernel[1]
    law = Law.of(left, right, taps * depth, lsb)
    images, weights = law.form(left), law.form(right)
    limits = _limits(law, images, weights, offsets, groups)
    if law.rule is Rule.EXACT:
        acc = exact_convolution(images.mantissas, weights.mantissas, window, groups)
        acc <<= law.step - law.lsb
    else:
        acc = _rounded(law, limits, images, weights, window, groups)
    acc += offsets[:, None, None]
    scale_b = right.scale.reshape(-1, 1, 1) if right.scale.ndim else right.scale
    return Accumulated(
        acc=acc, lsb=law.lsb, scale_a=left.scale, scale_b=scale_b, bound=limits.bound
    )


def _limits(law: Law, images: Terms, weights: Terms, offsets: Integers, groups: int) -> Limits:
    """Bound what any window may meet: every tap the greatest values of its channels."""
    outputs, depth, height, width = weights.mantissas.shape
    every = []
    for group in range(groups):
        part = slice(group * depth, (group + 1) * depth)
        own = slice(group * outputs // groups, (group + 1) * outputs // groups)
        pixels = images.part(np.s_[:, part]).rearranged(_pixels)
        kernels = weights.part(own).rearranged(_taps_first)
        # Exact sums are one block over all taps.
        taps = 1 if law.rule is Rule.EXACT else height * width
        peaks = np.tile(block_peaks(pixels, law.starts(depth)), taps)
        starts = _tap_starts(law, depth, taps)
        every.append(law.limits(peaks, block_sums(kernels, starts), offsets[own]))
    return Limits(
        largest=max(each.largest for each in every), bound=max(each.bound for each in every)
    )


def _rounded(
    law: Law, limits: Limits, images: Terms, weights: Terms, window: Window, groups: int
) -> Integers:
    count, channels, height, width = images.mantissas.shape
    outputs, depth = weights.mantissas.shape[:2]
    taps = window.kernel[0] * window.kernel[1]
    rows, columns = window.output(height, width)
    starts = _tap_starts(law, depth, taps)
    result = np.empty((count, outputs, rows, columns), np.int64)
    chunk = max(1, _CHUNK // max(taps * channels * rows * columns, 1))
    for start in range(0, count, chunk):
        some = slice(start, start + chunk)
        patches = images.part(some).rearranged(partial(_patches, window=window, groups=groups))
        for group in range(groups):
            own = slice(group * outputs // groups, (group + 1) * outputs // groups)
            acc = sum_blocks(
                patches.part(group),
                weights.part(own).rearranged(_taps_first),
                starts,
                lsb=law.lsb,
                largest=limits.largest,
                bound=limits.bound,
            )  # (n OH OW, O/G)
            image = acc.reshape(-1, rows, columns, acc.shape[1])
            result[some, own] = image.transpose(0, 3, 1, 2)
    return result


def _patches(images: IntegerArray, window: Window, groups: int) -> IntegerArray:
    """Give (G, n OH OW, taps C/G): what each output meets, padding being zeros."""
    n, channels, height, width = images.shape
    top, left, _, _ = window.padding
    padded = np.zeros((n, channels, *window.padded(height, width)), images.dtype)
    padded[:, :, top : top + height, left : left + width] = images
    rows, columns = window.output(height, width)
    view = window.view(padded, rows, columns)  # (C, kh, kw, n, OH, OW)
    grouped = view.reshape(groups, channels // groups, -1, n * rows * columns)
    moved = grouped.transpose(0, 3, 2, 1)  # (G, n OH OW, taps, C/G)
    return np.ascontiguousarray(moved).reshape(groups, n * rows * columns, -1)


def _pixels(images: IntegerArray) -> IntegerArray:
    """Give (N, C, H, W) as (N H W, C)."""
    return np.moveaxis(images, 1, -1).reshape(-1, images.shape[1])


def _taps_first(kernels: IntegerArray) -> IntegerArray:
    """Give (O, C, kh, kw) as (O, taps C)."""
    return np.moveaxis(kernels, 1, -1).reshape(len(kernels), -1)


def _tap_starts(law: Law, depth: int, taps: int) -> IntegerArray:
    return (np.arange(taps)[:, np.newaxis] * depth + law.starts(depth)).reshape(-1)


def _check_scale(name: str, side: Operand, what: str) -> None:
    if side.scale.ndim and any(size != 1 for size in side.scale.shape[1:]):
        raise ValueError(
            f"the scale of {name} ({side.format}) must be one per tensor or per {what}, as a "
            f"window adds along the other axes, but has shape {side.scale.shape}"
        )
