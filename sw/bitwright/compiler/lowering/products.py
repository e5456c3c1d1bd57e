"""How the lanes finish the sums of int8 products: of convolutions, linear and depthwise layers."""

import numpy as np

from bitwright.compiler.lowering.checks import check_accumulator, check_residual
from bitwright.compiler.lowering.context import Lowering
from bitwright.compiler.lowering.results import Finish, finish
from bitwright.compiler.steps import Step
from bitwright.network import Conv2d, Linear


def finish_products(step: Step, layer: Conv2d | Linear, lowering: Lowering) -> Finish:
    """The finish of a layer whose zero point the array knows nothing of.

    Raises:
        CompileError: the architecture's accumulators, lanes or residuals are too narrow for it.
    """
    check_accumulator(layer.name, layer.weight, lowering.architecture)
    if isinstance(layer, Conv2d) and layer.residual_multiplier is not None:
        widest = int(layer.residual_multiplier.max())
        check_residual(layer.name, widest, lowering.architecture)
    weight = layer.weight.reshape(len(layer.weight), -1)
    offset = -lowering.zero_point(step.source) * weight.sum(axis=1)
    # The greatest magnitude that a sum can have.
    q = lowering.network[layer.inputs[0]].output
    furthest = max(q.high - q.zero_point, q.zero_point - q.low)
    bound = furthest * int(np.abs(weight).sum(axis=1).max())
    return finish(layer, offset, bound, lowering.architecture)
