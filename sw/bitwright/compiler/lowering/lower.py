"""A step into operations, by the kind of its layer."""

from bitwright.compiler.lowering import checks
from bitwright.compiler.lowering.binary import lower_binary_convolution, lower_binary_linear
from bitwright.compiler.lowering.context import Lowering
from bitwright.compiler.lowering.convolution import lower_convolution
from bitwright.compiler.lowering.depthwise import lower_depthwise
from bitwright.compiler.lowering.linear import lower_linear
from bitwright.compiler.lowering.results import Weighted
from bitwright.compiler.lowering.widening import ungrouped
from bitwright.compiler.lowering.window import lower_window
from bitwright.compiler.operation import Operation
from bitwright.compiler.steps import Step
from bitwright.network import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Conv2d,
    Linear,
    Requantization,
    Requantize,
    Threshold,
)


def lower(step: Step, lowering: Lowering) -> list[Operation]:
    """The compute instructions of a step, in order.

    Raises:
        CompileError: the layer needs what the architecture has not.
    """
    layer = step.layer
    if isinstance(layer, Weighted | Add | AvgPool2d | Requantize) and isinstance(
        layer.requantization, Requantization
    ):
        checks.check_requantization(layer.name, layer.requantization, lowering.architecture)
    if isinstance(layer, BinaryConv2d):
        return [lower_binary_convolution(step, layer, lowering)]
    if isinstance(layer, BinaryLinear):
        return [lower_binary_linear(step, layer, lowering)]
    if isinstance(layer, Conv2d):
        if isinstance(layer.requantization, Threshold):
            # A group's channels need not begin with a byte of their bits.
            return lower_convolution(step, ungrouped(layer), lowering)
        channels = lowering.source(step).channels
        if layer.groups > 1 and layer.groups == layer.weight.shape[0] == channels:
            return lower_depthwise(step, layer, lowering)
        return lower_convolution(step, layer, lowering)
    if isinstance(layer, Linear):
        return [lower_linear(step, layer, lowering)]
    return [lower_window(step, lowering)]
