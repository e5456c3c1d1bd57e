"""Kernel lines side by side: how the host may send an image of few channels.

A K-word holds ``lanes`` bytes, and a kernel line of kw C bytes takes whole words: of a 3x3 kernel
on three channels, 9 of 16 bytes. If each pixel holds its column of the kernel instead, the C
channels of kh lines, then all kw kh C bytes of a window are one run and only its end is wasted. The
host sends lines more than once for that, and the padding above and below with them; no other layer
may want the image.
"""

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from bitwright.isa import Architecture
from bitwright.network import Conv2d, Layer, Network

Lines = tuple[tuple[int, ...], ...]
"""For each line of the stacked image, the image's lines side by side in it; -1 is padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """A network of the same outputs, whose input is the stacked image."""

    network: Network
    lines: Lines


def stack(network: Network, architecture: Architecture) -> Stacked | None:
    """Stack the input's lines where that is predicted to save more than it costs to send them."""
    readers = [layer for layer in network if network.input.name in layer.inputs]
    if len(readers) != 1 or len(network.input.shape) != 3:
        return None
    (reader,) = readers
    if not isinstance(reader, Conv2d) or reader.groups > 1 or len(reader.inputs) > 1:
        return None
    lines = _lines(reader, network.input.shape[1])
    covered = {line for group in lines for line in group}
    # What no window reads would not be sent: the image could not be compared with what was sent.
    if not covered.issuperset(range(network.input.shape[1])):
        return None
    stacked = _rewritten(network, reader, lines)
    saved = _cost(network, reader, architecture) - _cost(
        stacked, stacked[reader.name], architecture
    )
    return Stacked(network=stacked, lines=lines) if saved > 0 else None


def _lines(layer: Conv2d, height: int) -> Lines:
    kernel = layer.weight.shape[2]
    starts = np.arange(layer.shape[1]) * layer.stride[0] - layer.padding[0]
    lines = starts[:, None] + np.arange(kernel) * layer.dilation[0]  # (outputs, kernel)
    inside = (lines >= 0) & (lines < height)
    return tuple(tuple(int(n) for n in row) for row in np.where(inside, lines, -1))


def _rewritten(network: Network, reader: Conv2d, lines: Lines) -> Network:
    """The image's lines as channels of one line, in (ky, c) order; the kernel is one line too."""
    outputs, depth, kernel_y, kernel_x = reader.weight.shape
    _, left, _, right = reader.padding
    weight = reader.weight.transpose(0, 2, 1, 3).reshape(outputs, kernel_y * depth, 1, kernel_x)
    instead = {
        network.input.name: replace(
            network.input, shape=(kernel_y * depth, len(lines), network.input.shape[2])
        ),
        reader.name: replace(
            reader,
            weight=weight,
            stride=(1, reader.stride[1]),
            padding=(0, left, 0, right),
            dilation=(1, reader.dilation[1]),
        ),
    }
    return Network(tuple(instead.get(layer.name, layer) for layer in network))


def _cost(network: Network, layer: Layer, architecture: Architecture) -> int:
    """Cycles of the convolution's walk, and to send the image."""
    assert isinstance(layer, Conv2d)
    outputs, depth, kernel_y, kernel_x = layer.weight.shape
    runs, length = kernel_y, kernel_x * depth
    if layer.dilation[1] > 1:
        runs, length = kernel_y * kernel_x, depth
    tile = runs * -(-length // architecture.lanes) * architecture.lanes
    _, height, width = layer.shape
    tiles = -(-outputs // architecture.columns) * -(-height * width // architecture.rows)
    cycles: int = tiles * tile + -(-prod(network.input.shape) // architecture.lanes)
    return cycles
