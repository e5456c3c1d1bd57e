"""The step `equalize`: channels that differ in size, made alike without changing the function."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bitwright.compress.simulation import Layer, layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require
from bitwright.importers.graph import (
    Array,
    AvgPool2d,
    Clamp,
    Clamped,
    Conv2d,
    Flatten,
    FloatGraph,
    Linear,
    MaxPool2d,
    Node,
)

Channels = NDArray[np.float64]


def pairs(graph: FloatGraph) -> list[tuple[str, str]]:
    """Layers with nothing between them but what commutes with positive factors per channel.

    That is ReLU or no activation, pooling and flatten; nothing else may read what lies between,
    and neither a residual may enter the first.
    """
    found = []
    for name, first in layers(graph).items():
        second = _next_layer(graph, first) if len(first.inputs) == 1 else None
        if second is not None:
            found.append((name, second.name))
    return found


def _next_layer(graph: FloatGraph, first: Node) -> Layer | None:
    uses = graph.uses()
    readers = {name: node for node in graph.nodes for name in node.inputs}
    node = first
    while uses[node.name] == 1 and node.name in readers and _homogeneous(node):
        reader = readers[node.name]
        if isinstance(reader, Layer):
            # As a residual it would be read without the factors.
            return reader if reader.inputs[0] == node.name else None
        if not isinstance(reader, Clamp | MaxPool2d | AvgPool2d | Flatten):
            return None
        node = reader
    return None


def _homogeneous(node: Node) -> bool:
    """Whether f(s x) = s f(x) for positive s."""
    return not isinstance(node, Clamped) or (node.low in (0.0, -inf) and node.high == inf)


def by_input(layer: Layer, channels: int) -> Array:
    """A view of the weights, (..., channels of the input, ...), as (outer, channels, inner)."""
    match layer:
        case Linear():
            return layer.weight.reshape(len(layer.weight), channels, -1)
        case Conv2d():
            groups, (outputs, each) = layer.groups, layer.weight.shape[:2]
            split = layer.weight.reshape(groups, outputs // groups, each, -1)
            return split.transpose(1, 0, 2, 3).reshape(outputs // groups, channels, -1)


def scale_input(layer: Layer, factor: Channels) -> Layer:
    """The layer whose input channels are multiplied by ``factor`` first."""
    match layer:
        case Linear():
            inner = layer.weight.shape[1] // len(factor)
            return replace(layer, weight=layer.weight * factor.repeat(inner))
        case Conv2d():
            outputs, each = layer.weight.shape[:2]
            grouped = factor.reshape(layer.groups, each).repeat(outputs // layer.groups, axis=0)
            return replace(layer, weight=layer.weight * grouped[:, :, None, None])


def scale_output(layer: Layer, factor: Channels) -> Layer:
    """The layer whose output channels are multiplied by ``factor`` afterwards."""
    along = factor.reshape(-1, *[1] * (layer.weight.ndim - 1))
    return replace(layer, weight=layer.weight * along, bias=layer.bias * factor)


def equalized(first: Layer, second: Layer) -> tuple[Layer, Layer]:
    """Both layers with equal ranges per channel between them: s = sqrt(r1 r2) / r2."""
    channels = len(first.weight)
    r1 = np.abs(first.weight).reshape(channels, -1).max(axis=1)
    r2 = np.abs(by_input(second, channels)).max(axis=(0, 2))
    alive = (r1 > 0) & (r2 > 0)
    s = np.sqrt(np.divide(r1, r2, out=np.ones_like(r1), where=alive))
    return scale_output(first, 1 / s), scale_input(second, s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equalize(Step):
    """Cross-layer equalization: scale channels down in one layer and up in the next, till alike.

    Source: M. Nagel et al., arXiv:1906.04721, section 4.1.
    """

    name: ClassVar[str] = "equalize"
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.GRIDS: "changes float weights, and they are quantized",
        Fact.RANGES: "changes the activations, and their ranges are fixed",
    }

    rounds: int = 20
    """Passes over all pairs of layers."""

    def __post_init__(self) -> None:
        require(self.rounds >= 1, "rounds must be at least 1", self.rounds)

    def apply(self, state: State, context: Context) -> State:
        """Equalize all pairs, again and again."""
        known, found = layers(state.original), pairs(state.original)
        for _ in range(self.rounds):
            for first, second in found:
                known[first], known[second] = equalized(known[first], known[second])
        nodes = tuple(known.get(node.name, node) for node in state.original.nodes)
        graph = FloatGraph(nodes=nodes, notes=state.original.notes)
        return replace(
            state.with_finding("equalized", [list(pair) for pair in found]),
            original=graph,
            graph=graph,
        )
