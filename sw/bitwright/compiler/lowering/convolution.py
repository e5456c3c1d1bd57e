"""Convolutions on the array: an operation for each group."""

from bitwright.compiler import pack
from bitwright.compiler.lowering.context import Lowering, sliding
from bitwright.compiler.lowering.products import finish_products
from bitwright.compiler.lowering.widening import pixels_side_by_side, widened
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.network import Conv2d


def lower_convolution(step: Step, layer: Conv2d, lowering: Lowering) -> list[Operation]:
    """The operations of a convolution, pixels side by side where that is faster."""
    lanes, columns = lowering.architecture.lanes, lowering.architecture.columns
    source = lowering.source(step)
    written = tuple(lowering.storage.views[name] for name in (step.target, step.second) if name)
    side_by_side = pixels_side_by_side(layer, source, written, lowering.architecture)
    layer = widened(layer, side_by_side)
    outputs, depth, kh, kw = layer.weight.shape
    finished = finish_products(step, layer, lowering)
    common = lowering.fields(step, ExecuteOpcode.CONV) | finished.fields
    common |= {
        "out_width": common["out_width"] // side_by_side,
        "out_pitch": common["out_pitch"] * side_by_side,
        "residual_pitch": common.get("residual_pitch", 0) * side_by_side,
    }
    common = sliding(common, source, layer.stride, layer.padding, layer.dilation, (kh, kw))
    # (O, ky, segments, elements): a whole kernel line where its bytes follow one another.
    weight = layer.weight.transpose(0, 2, 3, 1)
    if depth == source.pitch and layer.dilation[1] == 1:
        weight = weight.reshape(outputs, kh, 1, kw * depth)
        common |= {"kernel_x": 1, "kernel_x_step": 0}
    words = -(-weight.shape[3] // lanes)
    common |= {"words": words, "pad": lowering.zero_point(step.source)}
    per_group = outputs // layer.groups
    common |= lowering.tiles(per_group, ExecuteOpcode.CONV)
    operations = []
    for group in range(layer.groups):
        first = group * per_group
        chosen = slice(first, first + per_group)
        fields = common | {
            "in_base": common["in_base"] + group * depth,
            "x_start": common["x_start"] + group * depth,
            "out_base": common["out_base"] + first,
            "residual_base": common["residual_base"] + (first if common["residual"] else 0),
        }
        operations.append(
            Operation(
                step=step.name,
                fields=fields,
                weights=pack.array_weights(weight[chosen], words * lanes, columns, lanes),
                parameters=finished.records(chosen, layer.residual_multiplier, columns),
            )
        )
    return operations
