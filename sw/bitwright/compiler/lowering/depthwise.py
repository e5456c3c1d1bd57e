"""Depthwise convolutions: on the lanes, or on the engine that sees every pixel once."""

from dataclasses import replace

from bitwright.compiler import pack
from bitwright.compiler.lowering.context import Lowering, sliding
from bitwright.compiler.lowering.products import finish_products
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.compiler.storage import View
from bitwright.compiler.work import Fields, first_window, vector_cycles
from bitwright.isa import Architecture
from bitwright.isa.instructions import ExecuteOpcode, VectorOp
from bitwright.network import Conv2d

SIDE = 3
"""Of the engine's windows."""


def lower_depthwise(step: Step, layer: Conv2d, lowering: Lowering) -> list[Operation]:
    """The operations of a depthwise convolution, the faster way."""
    architecture, source = lowering.architecture, lowering.source(step)
    finished = finish_products(step, layer, lowering)
    fields = lowering.fields(step, ExecuteOpcode.VECTOR) | finished.fields
    fields |= lowering.tiles(len(layer.weight), ExecuteOpcode.VECTOR)
    fields |= {"vector_op": VectorOp.MAC, "pad": lowering.zero_point(step.source)}
    kernel = layer.weight.shape[2:]
    choices = [[sliding(fields, source, layer.stride, layer.padding, layer.dilation, kernel)]]
    raster = windows_of_raster(layer, source, architecture)
    if raster is not None:
        choices.append(_image_by_image(fields | raster))
    chosen = min(choices, key=lambda each: sum(vector_cycles(one, architecture) for one in each))
    operation = Operation(
        step=step.name,
        fields=chosen[0],
        weights=pack.vector_weights(layer.weight[:, 0], architecture.lanes),
        parameters=finished.records(slice(None), layer.residual_multiplier, architecture.lanes),
    )
    return [replace(operation, fields=fields) for fields in chosen]


def _image_by_image(fields: Fields) -> list[Fields]:
    """An instruction for each image of the batch, of one for all."""
    pixels = fields["out_width"] * fields["out_height"]
    return [
        fields
        | {
            "repeats": 0,
            "in_base": fields["in_base"] + n * fields["image_step"],
            "out_base": fields["out_base"] + n * pixels * fields["out_pitch"],
            "residual_base": fields["residual_base"] + n * pixels * fields.get("residual_pitch", 0),
        }
        for n in range(fields["repeats"] + 1)
    ]


def windows_of_raster(layer: Conv2d, source: View, architecture: Architecture) -> Fields | None:
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
