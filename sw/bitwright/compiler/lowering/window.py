"""Pooling, addition, a change of scale, or a copy: on the lanes, one record for all channels."""

import numpy as np

from bitwright.compiler import pack
from bitwright.compiler.lowering.checks import check_or, check_residual
from bitwright.compiler.lowering.context import Lowering, sliding
from bitwright.compiler.lowering.results import requantized
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.isa.instructions import ExecuteOpcode, RoundingCode, VectorOp
from bitwright.network import Add, AvgPool2d, MaxPool2d, Requantize


def lower_window(step: Step, lowering: Lowering) -> Operation:
    """The operation of a layer without weights, or of a copy."""
    layer, architecture = step.layer, lowering.architecture
    fields = lowering.fields(step, ExecuteOpcode.VECTOR)
    stored = lowering.storage.views[step.target].channels  # bytes of eight, if they are bits
    fields |= lowering.tiles(stored, ExecuteOpcode.VECTOR)
    fields |= {"uniform": 1, "vector_op": VectorOp.SUM}
    bias, multiplier, shift, second = 0, 1, 0, 0
    if isinstance(layer, MaxPool2d | AvgPool2d):
        fields = sliding(
            fields,
            lowering.source(step),
            layer.stride,
            layer.padding,
            layer.dilation if isinstance(layer, MaxPool2d) else (1, 1),
            layer.kernel,
        )
    if isinstance(layer, MaxPool2d):
        fields |= {"vector_op": VectorOp.MAX, "pad": -128}
        fields |= {"low": layer.low, "high": layer.high}
        if layer.output.binary:
            # Bytes of bits, which no padding sets.
            check_or(layer.name, architecture)
            fields |= {"vector_op": VectorOp.OR, "pad": 0, "low": -128, "high": 127}
    elif isinstance(layer, AvgPool2d | Requantize | Add):
        zero_point = lowering.zero_point(step.source)
        kernel = layer.kernel if isinstance(layer, AvgPool2d) else (1, 1)
        bias = -zero_point * kernel[0] * kernel[1]
        multiplier = int(layer.requantization.multiplier[0])
        shift = int(layer.requantization.shift[0])
        fields |= requantized(layer.requantization, layer.output.zero_point)
        fields["pad"] = zero_point
        if isinstance(layer, Add):
            second = layer.multiplier_b
            check_residual(layer.name, second, architecture)
    # Shift 0 rounds alike in every way the lanes may be built for.
    fields.setdefault("rounding", RoundingCode[architecture.roundings[0]])
    return Operation(
        step=step.name,
        fields=fields,
        weights=np.zeros((0, architecture.lanes), np.uint8),
        parameters=pack.records(
            np.array([bias]), np.array([multiplier]), np.array([shift]), np.array([second]), 1
        ),
    )
