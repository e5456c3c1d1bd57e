"""The kernels of binary layers as runs of bits, and what lies between their channels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler.storage import View
from bitwright.isa import Architecture
from bitwright.network import BinaryConv2d, BinaryLinear, Codes

BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """A layer's weights as runs of bits that follow one another in memory."""

    weight: Codes
    """(O, ky, segments, bits), 0 where no channel is."""
    surplus: int
    """Bits within the segments of a window that are no channel: the engine counts them."""

    @property
    def length(self) -> int:
        """Bits of a segment, up to the last channel's."""
        return int(self.weight.shape[3])

    def words(self, architecture: Architecture) -> int:
        """Words of a segment."""
        return -(-self.length // (BYTE * architecture.lanes))

    def last_bits(self, architecture: Architecture) -> int:
        """Bits that count in a segment's last word."""
        return self.length - (self.words(architecture) - 1) * BYTE * architecture.lanes


def convolution_segments(layer: BinaryConv2d, source: View) -> tuple[Segments, bool]:
    """The kernel's segments, and whether each is a whole line of it.

    A line is one segment where its pixels follow one another and none but whole lines are padding.
    A pixel's last byte may be filled up with bits that are 0 on both sides and yet counted; their
    number must be that of every window, so no line of it may be padding then.
    """
    top, left, bottom, right = layer.padding
    outputs, depth, kernel_y, kernel_x = layer.weight.shape
    filled = BYTE * source.channels - depth
    lines = layer.dilation[1] == 1 and left == right == 0 and (not filled or top == bottom == 0)
    weight = np.zeros((outputs, kernel_y, kernel_x, depth + filled), np.int64)
    weight[..., :depth] = layer.weight.transpose(0, 2, 3, 1)
    if not lines:
        return Segments(weight=weight[..., :depth], surplus=0), False
    whole = weight.reshape(outputs, kernel_y, 1, kernel_x * (depth + filled))
    surplus = kernel_y * (kernel_x - 1) * filled
    return Segments(weight=whole[..., : whole.shape[3] - filled], surplus=surplus), True


def linear_segments(layer: BinaryLinear, order: NDArray[np.int64]) -> Segments:
    """One segment, in the order in which the vector is stored; -1 is no channel."""
    length = int(np.flatnonzero(order >= 0)[-1]) + 1
    stored = order[:length]
    weight = np.where(stored >= 0, layer.weight[:, stored], 0)
    return Segments(weight=weight[:, None, None, :], surplus=length - int((stored >= 0).sum()))
