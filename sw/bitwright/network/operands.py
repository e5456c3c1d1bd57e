"""Which codes met in one output element: what a divergence finder prints."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitwright.network.execute import Int8
from bitwright.network.layers import (
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Concat,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Pair,
    Quantization,
)


def operands(
    layer: Layer,
    inputs: Sequence[Int8],
    formats: Sequence[Quantization],
    index: tuple[int, ...],
) -> tuple[Codes, Codes]:
    """The activation and the weight codes behind output element ``index`` = (n, c[, y, x]).

    Both in the order (ky, kx, ci) of the hardware's walk, so that for `Conv2d` and `Linear`
    acc = sum (activations - zx) weights + bias; a fused residual is not among them. Padding reads
    as the zero point (in `MaxPool2d` it is left out: it never wins). Of the binary layers they are
    the -1 and 1 that the codes stand for, and 0 is padding. Layers without weights
    give an empty array for them; elementwise layers give one activation per input.
    """
    shape = (len(inputs[0]), *layer.shape)
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        text = f"layer {layer.name!r}: index must lie in an output of shape {shape}, found {index}"
        raise ValueError(text)
    n, c, *pixel = index
    x = inputs[0][n]
    weights = np.zeros(0, np.int64)
    match layer:
        case Conv2d():
            outputs, taps, kh, kw = layer.weight.shape
            first = c // (outputs // layer.groups) * taps
            channels = slice(first, first + taps)
            codes, inside = _window(layer, x[channels], pixel, (kh, kw), layer.dilation)
            activations = np.where(inside, codes, formats[0].zero_point)
            weights = layer.weight[c].transpose(1, 2, 0)
        case Linear():
            activations, weights = x, layer.weight[c]
        case BinaryConv2d():
            _, _, kh, kw = layer.weight.shape
            codes, inside = _window(layer, x, pixel, (kh, kw), layer.dilation)
            activations = np.where(inside, 2 * codes - 1, 0)
            weights = 2 * layer.weight[c].transpose(1, 2, 0) - 1
        case BinaryLinear():
            activations, weights = 2 * x - 1, 2 * layer.weight[c] - 1
        case AvgPool2d():
            codes, inside = _window(layer, x[c : c + 1], pixel, layer.kernel, (1, 1))
            activations = np.where(inside, codes, formats[0].zero_point)
        case MaxPool2d():
            codes, inside = _window(layer, x[c : c + 1], pixel, layer.kernel, layer.dilation)
            activations = codes[inside[..., 0]]
        case Flatten():
            activations = x.reshape(-1)[c]
        case Concat():
            activations = np.concatenate([source[n] for source in inputs])[(c, *pixel)]
        case _:
            activations = np.array([source[index] for source in inputs])
    return activations.reshape(-1).astype(np.int64), weights.reshape(-1).astype(np.int64)


def _window(
    layer: Conv2d | BinaryConv2d | AvgPool2d | MaxPool2d,
    x: NDArray[np.int8],
    pixel: Sequence[int],
    kernel: Pair,
    dilation: Pair,
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The codes (kh, kw, C) of x (C, H, W) under one window, and which taps (kh, kw, 1) exist.

    Taps in the padding carry the nearest code; the caller replaces them.
    """
    top, left, _, _ = layer.padding
    rows = pixel[0] * layer.stride[0] - top + np.arange(kernel[0]) * dilation[0]
    columns = pixel[1] * layer.stride[1] - left + np.arange(kernel[1]) * dilation[1]
    y, x_ = np.clip(rows, 0, x.shape[1] - 1), np.clip(columns, 0, x.shape[2] - 1)
    inside = (rows == y)[:, None] & (columns == x_)[None, :]
    return x[:, y[:, None], x_[None, :]].transpose(1, 2, 0), inside[:, :, None]
