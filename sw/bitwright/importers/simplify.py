"""Rewrites of the float graph that leave its function as it is.

Batch normalisation goes into the convolution before it, an addition into a convolution as its
residual, an activation into what produces its input: each then costs the hardware nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from bitwright.importers.graph import (
    Add,
    AvgPool2d,
    ChannelAffine,
    Clamp,
    Clamped,
    Conv2d,
    Flatten,
    FloatGraph,
    Linear,
    MaxPool2d,
    Node,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simplified:
    """A simplified graph and where its missing nodes went."""

    graph: FloatGraph
    merged: dict[str, str]
    """Name of a node that is gone: name of the node that now computes it."""


def simplify(graph: FloatGraph) -> Simplified:
    """The same function with batch norm, residual additions and activations folded."""
    merged: dict[str, str] = {}
    for rewrite in (_fold_affine, _fuse_addition, _fuse_clamp):
        edit = _Edit(graph)
        for node in graph.nodes:
            edit.append(node, rewrite(edit, edit.with_current_inputs(node)))
        graph = FloatGraph(nodes=tuple(edit.nodes.values()), notes=graph.notes)
        merged.update(edit.merged)
    return Simplified(graph=graph, merged=merged)


class _Edit:
    """A graph being rebuilt, front to back."""

    def __init__(self, graph: FloatGraph) -> None:
        self.nodes: dict[str, Node] = {}
        self.merged: dict[str, str] = {}
        self.uses = graph.uses()
        self._alias: dict[str, str] = {}

    def with_current_inputs(self, node: Node) -> Node:
        return replace(node, inputs=tuple(self._alias.get(name, name) for name in node.inputs))

    def append(self, old: Node, new: Node | None) -> None:
        """Keep ``new`` in place of ``old``; None if the rewrite has called `absorb`."""
        if new is not None:
            self.nodes[new.name] = new
            if new.name != old.name:
                self._redirect(old.name, new.name)

    def absorb(self, node: Node, target: Node, *, output: str | None = None) -> None:
        """Let ``target``, changed, compute ``node`` too; its value is now that of ``output``."""
        self.nodes[target.name] = target
        self._redirect(node.name, output or target.name)
        self.merged[node.name] = target.name

    def _redirect(self, old: str, new: str) -> None:
        self._alias[old] = new
        self.uses[new] = self.uses[old]


def _fold_affine(edit: _Edit, node: Node) -> Node | None:
    """w' = factor w, b' = factor b + offset, per output channel; else a 1x1 depthwise layer."""
    if not isinstance(node, ChannelAffine):
        return node
    producer = edit.nodes[node.inputs[0]]
    alone = edit.uses[producer.name] == 1
    if isinstance(producer, Conv2d | Linear) and alone and _is_plain(producer):
        per_output = (-1,) + (1,) * (producer.weight.ndim - 1)
        weight = producer.weight * node.factor.reshape(per_output)
        bias = producer.bias * node.factor + node.offset
        edit.absorb(node, replace(producer, weight=weight, bias=bias))
        return None
    if len(node.shape) == 1:
        return Linear(
            name=node.name,
            inputs=node.inputs,
            shape=node.shape,
            weight=np.diag(node.factor),
            bias=node.offset,
        )
    return Conv2d(
        name=node.name,
        inputs=node.inputs,
        shape=node.shape,
        weight=node.factor.reshape(-1, 1, 1, 1),
        bias=node.offset,
        groups=len(node.factor),
    )


def _fuse_addition(edit: _Edit, node: Node) -> Node | None:
    """conv(x) + r becomes one convolution with a residual, where the addition alone reads conv."""
    if not isinstance(node, Add):
        return node
    order = list(edit.nodes)
    # Of two candidates the later one: its input is then the one that need not be kept longer.
    for name in sorted(node.inputs, key=order.index, reverse=True):
        producer = edit.nodes[name]
        if isinstance(producer, Conv2d) and edit.uses[name] == 1 and _is_plain(producer):
            a, b = node.inputs
            residual = b if name == a else a
            # It moves to the addition's place, where the residual is known.
            del edit.nodes[name]
            edit.merged[node.name] = name
            return replace(producer, inputs=(*producer.inputs, residual))
    return node


def _fuse_clamp(edit: _Edit, node: Node) -> Node | None:
    """An activation moves into the producer; past max pool and flatten, which it commutes with."""
    if not isinstance(node, Clamp):
        return node
    path = _path_to_producer(edit, node.inputs[0])
    for producer in path:
        if isinstance(producer, Conv2d | Linear | Add | AvgPool2d | MaxPool2d | Clamp):
            low, high = _compose(producer, node)
            edit.absorb(node, replace(producer, low=low, high=high), output=node.inputs[0])
            return None
    return node


def _path_to_producer(edit: _Edit, name: str) -> Sequence[Node]:
    """Places for a clamp of ``name``, best first: what computes the values, then later ones."""
    path: list[Node] = []
    while edit.uses[name] == 1:
        path.insert(0, edit.nodes[name])
        if not isinstance(path[0], MaxPool2d | Flatten):
            break
        name = path[0].inputs[0]
    return path


def _compose(first: Clamped, second: Clamped) -> tuple[float, float]:
    """The bounds of one clamp that does what ``second`` after ``first`` does."""
    low = min(max(first.low, second.low), second.high)
    high = min(max(first.high, second.low), second.high)
    return low, high


def _is_plain(node: Conv2d | Linear) -> bool:
    return len(node.inputs) == 1 and (node.low, node.high) == (-inf, inf)
