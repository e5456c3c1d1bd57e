"""The layers once more, one output element at a time in Python ints: slow, obvious, the oracle.

Nothing here is shared with the executor but the layers' fields: rounding, padding and grouping
are written from the docstrings of `bitwright.network.layers` and from `Rounding`'s names.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Rounding
from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Pair,
    Quantization,
    Requantization,
    Requantize,
)


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """An exact fraction to an integer."""
    below = floor(value)
    rest = value - below
    match rounding:
        case Rounding.FLOOR:
            return below
        case Rounding.TRUNC:
            return below if value >= 0 or rest == 0 else below + 1
    if rest != Fraction(1, 2):
        return below if rest < Fraction(1, 2) else below + 1
    match rounding:
        case Rounding.HALF_UP:
            return below + 1
        case Rounding.HALF_EVEN:
            return below + below % 2
        case Rounding.HALF_AWAY:
            return below + 1 if value > 0 else below
    raise AssertionError(rounding)


def finish(scaled: int, layer: Layer, r: Requantization, channel: int) -> int:
    """clamp(zp + round(scaled / 2^shift))."""
    shift = int(r.shift[channel])
    rounded = round_fraction(Fraction(scaled, 1 << shift), r.rounding)
    return min(max(layer.output.zero_point + rounded, r.low), r.high)


def taps(
    layer: Conv2d | MaxPool2d | AvgPool2d, kernel: Pair, dilation: Pair, oy: int, ox: int
) -> Iterator[tuple[int, int, int, int]]:
    """(ky, kx, y, x) of one window; y and x may lie outside the input."""
    for ky, kx in product(range(kernel[0]), range(kernel[1])):
        y = oy * layer.stride[0] + ky * dilation[0] - layer.padding[0]
        x = ox * layer.stride[1] + kx * dilation[1] - layer.padding[1]
        yield ky, kx, y, x


def element(
    layer: Layer,
    inputs: Sequence[NDArray[np.int8]],
    formats: Sequence[Quantization],
    index: tuple[int, ...],
) -> int:
    """Output element ``index`` = (c[, y, x]) of one image."""
    images = [image.tolist() for image in inputs]
    zero_points = [q.zero_point for q in formats]
    match layer:
        case Conv2d():
            return _conv2d(layer, images, zero_points, index)
        case Linear():
            weights = layer.weight[index[0]].tolist()
            pairs = zip(images[0], weights, strict=True)
            acc = sum((x - zero_points[0]) * w for x, w in pairs) + int(layer.bias[index[0]])
            multiplier = int(layer.requantization.multiplier[index[0]])
            return finish(acc * multiplier, layer, layer.requantization, index[0])
        case AvgPool2d():
            c, oy, ox = index
            total = 0
            for _, _, y, x in taps(layer, layer.kernel, (1, 1), oy, ox):
                if 0 <= y < len(images[0][c]) and 0 <= x < len(images[0][c][0]):
                    total += images[0][c][y][x] - zero_points[0]
            multiplier = int(layer.requantization.multiplier[0])
            return finish(total * multiplier, layer, layer.requantization, 0)
        case MaxPool2d():
            c, oy, ox = index
            inside = [
                images[0][c][y][x]
                for _, _, y, x in taps(layer, layer.kernel, layer.dilation, oy, ox)
                if 0 <= y < len(images[0][c]) and 0 <= x < len(images[0][c][0])
            ]
            return int(min(max(max(inside), layer.low), layer.high))
        case Add():
            a = int(inputs[0][index]) - zero_points[0]
            b = int(inputs[1][index]) - zero_points[1]
            scaled = a * int(layer.requantization.multiplier[0]) + b * layer.multiplier_b
            return finish(scaled, layer, layer.requantization, 0)
        case Requantize():
            acc = int(inputs[0][index]) - zero_points[0]
            multiplier = int(layer.requantization.multiplier[0])
            return finish(acc * multiplier, layer, layer.requantization, 0)
        case Concat():
            channel = index[0]
            for image in inputs:
                if channel < len(image):
                    return int(image[(channel, *index[1:])])
                channel -= len(image)
        case Flatten():
            _, height, width = inputs[0].shape
            row, x = divmod(index[0], width)
            c, y = divmod(row, height)
            return int(inputs[0][c, y, x])
    raise AssertionError(layer)


def _conv2d(
    layer: Conv2d,
    images: Sequence[Any],
    zero_points: Sequence[int],
    index: tuple[int, ...],
) -> int:
    o, oy, ox = index
    outputs, each, kh, kw = layer.weight.shape
    group = o // (outputs // layer.groups)
    acc = int(layer.bias[o])
    for ky, kx, y, x in taps(layer, (kh, kw), layer.dilation, oy, ox):
        for i in range(each):
            plane = images[0][group * each + i]
            if 0 <= y < len(plane) and 0 <= x < len(plane[0]):
                acc += (plane[y][x] - zero_points[0]) * int(layer.weight[o, i, ky, kx])
    scaled = acc * int(layer.requantization.multiplier[o])
    if layer.residual_multiplier is not None:
        residual = images[1][o][oy][ox] - zero_points[1]
        scaled += residual * int(layer.residual_multiplier[o])
    return finish(scaled, layer, layer.requantization, o)
