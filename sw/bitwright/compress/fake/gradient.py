"""The straight-through estimator: forward exactly the quantized values.

``x + (q - x).detach()`` would not do: the float sum is not always q, loses the sign of zero and
makes NaN of infinities.
"""

from typing import Any

import torch
from torch import Tensor

from bitwright.compress.fake.twin import Shared, Twin, Wanted


def fake_quantize(twin: Twin[Any], x: Tensor, shared: Shared | None = None) -> Tensor:
    """Give the quantized values of ``x``, with gradients for it and for the shared parameter.

    Where it passes, the gradient of x is that of the values, and zero elsewhere (Bengio et al.,
    Estimating or Propagating Gradients Through Stochastic Neurons, 2013); each twin says where,
    and what the parameter's gradient is. A program being exported gets the values alone.
    """
    parameter = None if shared is None else shared.parameter
    zero_point = None if shared is None else shared.zero_point
    if torch.compiler.is_exporting():
        return twin.round(x, shared, Wanted()).values
    values: Tensor = _StraightThrough.apply(x, parameter, zero_point, twin)  # type: ignore[no-untyped-call]
    return values


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, parameter: Tensor | None, zero_point: Tensor | None, twin: Twin[Any]
    ) -> Tensor:
        wanted = Wanted(*ctx.needs_input_grad[:2])
        shared = None if parameter is None else Shared(parameter, zero_point)
        rounded = twin.round(x, shared, wanted)
        ctx.twin, ctx.dtype = twin, x.dtype
        ctx.save_for_backward(
            rounded.passes if wanted.x else None,
            rounded.trace,
            parameter if wanted.parameter else None,
        )
        return rounded.values

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (grad,) = grads
        passes, trace, parameter = ctx.saved_tensors
        to_x = None if passes is None else torch.where(passes, grad, 0).to(ctx.dtype)
        to_parameter = None if trace is None else ctx.twin.pull(grad, trace, parameter)
        return to_x, to_parameter, None, None
