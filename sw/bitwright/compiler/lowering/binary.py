"""Layers of bits on the XNOR engine."""

import numpy as np

from bitwright.compiler import pack
from bitwright.compiler.lowering.checks import check_engine
from bitwright.compiler.lowering.context import Lowering, sliding
from bitwright.compiler.lowering.results import finish
from bitwright.compiler.lowering.segments import Segments, convolution_segments, linear_segments
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.compiler.work import Fields
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.network import BinaryConv2d, BinaryLinear


def lower_binary_convolution(step: Step, layer: BinaryConv2d, lowering: Lowering) -> Operation:
    """The operation of a convolution of bits."""
    source = lowering.source(step)
    segments, lines = convolution_segments(layer, source)
    fields = sliding(
        lowering.fields(step, ExecuteOpcode.CONV),
        source,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.weight.shape[2:],
    )
    if lines:
        fields |= {"kernel_x": 1, "kernel_x_step": 0}
    return _on_engine(step, layer, segments, fields, lowering)


def lower_binary_linear(step: Step, layer: BinaryLinear, lowering: Lowering) -> Operation:
    """The operation of a linear layer of bits."""
    segments = linear_segments(layer, lowering.storage.orders[step.source])
    fields = lowering.fields(step, ExecuteOpcode.CONV)
    return _on_engine(step, layer, segments, fields, lowering)


def _on_engine(
    step: Step,
    layer: BinaryConv2d | BinaryLinear,
    segments: Segments,
    fields: Fields,
    lowering: Lowering,
) -> Operation:
    architecture = lowering.architecture
    outputs, products = len(layer.weight), layer.weight[0].size
    check_engine(layer, products + segments.surplus, architecture)
    finished = finish(layer, np.full(outputs, -segments.surplus), products, architecture)
    words = segments.words(architecture)
    fields = fields | finished.fields | lowering.tiles(outputs, ExecuteOpcode.CONV)
    fields |= {"binary": 1, "words": words, "last_bits": segments.last_bits(architecture)}
    return Operation(
        step=step.name,
        fields=fields,
        weights=pack.binary_weights(
            segments.weight, words, architecture.columns, architecture.lanes
        ),
        parameters=finished.records(slice(None), None, architecture.columns),
    )
