"""Depthwise convolutions on the engine that sees every pixel once, if they are of its kind."""

from bitwright.compiler.cycles import first_window
from bitwright.compiler.storage import View
from bitwright.isa import Architecture
from bitwright.isa.instructions import VectorOp
from bitwright.network import Conv2d

SIDE = 3
"""Of the engine's windows."""


def windows_of_raster(
    layer: Conv2d, source: View, architecture: Architecture
) -> dict[str, int] | None:
    """Fields that give a depthwise convolution to the engine; None where it cannot take it.

    It takes 3x3 windows, padded by at most one pixel, of lines that fit its memory. A window's last
    element may then be padding and still come before the next window's: the next line's, or the
    next channel tile's. Only a tile whose first window reaches into the next tile would not do.
    """
    top, left = layer.padding[:2]
    kernel = layer.weight.shape[2:]
    lines = 2 <= source.width <= architecture.line_words
    if kernel != (SIDE, SIDE) or layer.dilation != (1, 1) or max(layer.padding) > 1 or not lines:
        return None
    _, height, width = layer.shape
    stride_y, stride_x = layer.stride
    across, down = (width - 1) * stride_x, (height - 1) * stride_y
    edges = (
        left,
        int(across - left + SIDE > source.width),
        top,
        int(down - top + SIDE > source.height),
    )
    fields = {
        "vector_op": VectorOp.DEPTHWISE,
        "words": source.width,
        "height": source.height,
        "kernel_x_step": stride_x,
        "kernel_y_step": stride_y * source.width - across,
        "dilation_y": sum(edge << n for n, edge in enumerate(edges)),
    }
    return fields if first_window(fields) < source.width * source.height else None
