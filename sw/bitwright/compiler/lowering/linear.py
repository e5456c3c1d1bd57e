"""Linear layers on the array: one pixel of a long vector, in the order it is stored."""

from bitwright.compiler import pack
from bitwright.compiler.lowering.context import Lowering
from bitwright.compiler.lowering.products import finish_products
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.network import Linear


def lower_linear(step: Step, layer: Linear, lowering: Lowering) -> Operation:
    """The operation of a linear layer."""
    lanes, columns = lowering.architecture.lanes, lowering.architecture.columns
    weight = layer.weight[:, lowering.storage.orders[step.source]]
    words = -(-weight.shape[1] // lanes)
    finished = finish_products(step, layer, lowering)
    fields = lowering.fields(step, ExecuteOpcode.CONV) | finished.fields
    fields |= lowering.tiles(len(weight), ExecuteOpcode.CONV) | {
        "words": words,
        "pad": lowering.zero_point(step.source),
        "line_bytes": weight.shape[1],
    }
    return Operation(
        step=step.name,
        fields=fields,
        weights=pack.array_weights(weight[:, None, None, :], words * lanes, columns, lanes),
        parameters=finished.records(slice(None), None, columns),
    )
