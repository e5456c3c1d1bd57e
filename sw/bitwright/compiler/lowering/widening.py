"""Neighbouring pixels side by side in the columns: for convolutions of few output channels.

Three channels use three columns. But a pixel and its right neighbour are one run of bytes in
memory, so they are also one pixel of twice the channels: computed with each kernel line longer by a
stride, and zeros where a pixel does not look. The columns it fills outweigh the zeros.
"""

from dataclasses import replace

import numpy as np

from bitwright.compiler.storage import View
from bitwright.isa import Architecture
from bitwright.network import Conv2d, Requantization


def pixels_side_by_side(
    layer: Conv2d, source: View, outputs: tuple[View, ...], architecture: Architecture
) -> int:
    """How many neighbours to compute at once; 1 where nothing is gained.

    ``outputs`` are the views of the result and of a residual: their pixels must be neighbours.
    """
    channels, depth, kernel_y, kernel_x = layer.weight.shape
    _, height, width = layer.shape
    dense = all(view.pitch == channels for view in outputs)
    lines = depth == source.pitch and layer.dilation[1] == 1
    coded = isinstance(layer.requantization, Requantization)
    if layer.groups > 1 or not dense or not lines or not coded:
        return 1

    def cycles(count: int) -> int:
        length = (kernel_x + (count - 1) * layer.stride[1]) * depth
        words = kernel_y * -(-length // architecture.lanes)
        tiles = -(-count * channels // architecture.columns)
        found: int = tiles * -(-(height * width // count) // architecture.rows) * words
        return found

    most = max(1, architecture.columns // channels)
    return min((n for n in range(1, most + 1) if width % n == 0), key=cycles)


def widened(layer: Conv2d, count: int) -> Conv2d:
    """The convolution of ``count`` neighbours as one pixel, in (pixel, channel) order.

    Its shape is left as it was.
    """
    if count == 1:
        return layer
    channels, depth, kernel_y, kernel_x = layer.weight.shape
    step = layer.stride[1]
    weight = np.zeros(
        (count, channels, depth, kernel_y, kernel_x + (count - 1) * step), layer.weight.dtype
    )
    for n in range(count):
        weight[n, ..., n * step : n * step + kernel_x] = layer.weight
    requantization = layer.requantization
    assert isinstance(requantization, Requantization)
    residual = layer.residual_multiplier
    return replace(
        layer,
        weight=weight.reshape(count * channels, *weight.shape[2:]),
        bias=np.tile(layer.bias, count),
        stride=(layer.stride[0], count * step),
        requantization=replace(
            requantization,
            multiplier=np.tile(requantization.multiplier, count),
            shift=np.tile(requantization.shift, count),
        ),
        residual_multiplier=None if residual is None else np.tile(residual, count),
    )


def ungrouped(layer: Conv2d) -> Conv2d:
    """The same convolution in one group: with zeros where a channel does not look."""
    if layer.groups == 1:
        return layer
    outputs, depth, *kernel = layer.weight.shape
    weight = np.zeros((outputs, layer.groups * depth, *kernel), layer.weight.dtype)
    for group in range(layer.groups):
        own = slice(group * outputs // layer.groups, (group + 1) * outputs // layer.groups)
        weight[own, group * depth : (group + 1) * depth] = layer.weight[own]
    return replace(layer, weight=weight, groups=1)
