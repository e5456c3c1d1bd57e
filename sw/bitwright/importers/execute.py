"""What each node of the float graph computes, in torch."""

from collections.abc import Iterator, Sequence
from math import inf

import torch
from torch import Tensor
from torch.nn import functional

from bitwright.importers.graph import (
    Add,
    Array,
    AvgPool2d,
    ChannelAffine,
    Clamp,
    Clamped,
    Concat,
    Conv2d,
    Flatten,
    FloatGraph,
    Input,
    Linear,
    MaxPool2d,
    Node,
    Padding,
)


def run(graph: FloatGraph, x: Tensor) -> Tensor:
    """The network's result for ``x`` (N, *input shape), in x's floating-point type."""
    for _, value in taps(graph, x):
        result = value
    return result


def taps(graph: FloatGraph, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    """(name, value) of every node in order; a value is dropped after its last use.

    >>> graph = FloatGraph(nodes=(Input(name="x", inputs=(), shape=(2,)),
    ...                           Clamp(name="relu", inputs=("x",), shape=(2,), low=0.0)))
    >>> [(name, value.tolist()) for name, value in taps(graph, torch.tensor([[-1.0, 1.0]]))]
    [('x', [[-1.0, 1.0]]), ('relu', [[0.0, 1.0]])]
    """
    if tuple(x.shape[1:]) != graph.input.shape:
        raise ValueError(
            f"the network takes (N, {', '.join(map(str, graph.input.shape))}), not {tuple(x.shape)}"
        )
    uses = graph.uses()
    values: dict[str, Tensor] = {}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        with torch.no_grad():
            value = x if isinstance(node, Input) else run_node(node, inputs)
        values[node.name] = value
        for name in node.inputs:
            uses[name] -= 1
            if not uses[name]:
                del values[name]
        yield node.name, value


def run_node(
    node: Node, inputs: Sequence[Tensor], weight: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """The output (N, *shape) of one node from its inputs', in their floating-point type.

    ``weight`` and ``bias`` stand in for those of a `Conv2d` or `Linear`; gradients reach them.
    """
    x = inputs[0]
    match node:
        case Conv2d():
            y = functional.conv2d(
                pad_image(x, node.padding, 0.0),
                _tensor(node.weight, x) if weight is None else weight,
                _tensor(node.bias, x) if bias is None else bias,
                node.stride,
                0,
                node.dilation,
                node.groups,
            )
            if len(inputs) == 2:
                y = y + inputs[1]
        case Linear():
            y = functional.linear(
                x,
                _tensor(node.weight, x) if weight is None else weight,
                _tensor(node.bias, x) if bias is None else bias,
            )
        case ChannelAffine():
            per_channel = (-1,) + (1,) * (x.ndim - 2)
            factor, offset = _tensor(node.factor, x), _tensor(node.offset, x)
            y = x * factor.reshape(per_channel) + offset.reshape(per_channel)
        case MaxPool2d():
            padded = pad_image(x, node.padding, -inf)
            y = functional.max_pool2d(padded, node.kernel, node.stride, 0, node.dilation)
        case AvgPool2d():
            padded = pad_image(x, node.padding, 0.0)
            y = functional.avg_pool2d(padded, node.kernel, node.stride, divisor_override=1)
            y = y / node.divisor
        case Add():
            y = x + inputs[1]
        case Concat():
            y = torch.cat(list(inputs), dim=1)
        case Flatten():
            y = x.flatten(1)
        case Clamp():
            y = x
        case _:
            raise TypeError(f"node {node.name!r}: a {type(node).__name__} computes nothing")
    if isinstance(node, Clamped) and (node.low, node.high) != (-inf, inf):
        y = y.clamp(node.low, node.high)
    return y


def _tensor(values: Array, like: Tensor) -> Tensor:
    return torch.from_numpy(values).to(like.dtype)


def pad_image(x: Tensor, padding: Padding, value: float) -> Tensor:
    """The images (N, C, H, W) with ``value`` around them."""
    if padding == (0, 0, 0, 0):
        return x
    top, left, bottom, right = padding
    return functional.pad(x, (left, right, top, bottom), value=value)
