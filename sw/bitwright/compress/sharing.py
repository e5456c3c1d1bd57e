"""Tensors that must have one quantization: max pooling, flatten and concat only move codes."""

from dataclasses import replace

from bitwright.compress.methods.calibration import Range
from bitwright.importers.graph import Clamp, Concat, Flatten, FloatGraph, Input, MaxPool2d, Node


def separate_input(graph: FloatGraph) -> FloatGraph:
    """The same function with a change of scale between the network's input and each concat.

    The input's codes come from outside: a concat must not coarsen them to fit its other parts.
    Every other producer can give its codes in the scale that the concat needs.
    """
    nodes: list[Node] = []
    by_name: dict[str, Node] = {}
    for node in graph.nodes:
        if isinstance(node, Concat):
            inputs = []
            for position, name in enumerate(node.inputs):
                if _is_input(by_name, name):
                    shape = by_name[name].shape
                    scaled = Clamp(name=f"{node.name}_in{position}", inputs=(name,), shape=shape)
                    nodes.append(scaled)
                    name = scaled.name
                inputs.append(name)
            node = replace(node, inputs=tuple(inputs))
        nodes.append(node)
        by_name[node.name] = node
    return FloatGraph(nodes=tuple(nodes), notes=graph.notes)


def groups(graph: FloatGraph) -> dict[str, str]:
    """For each node the name of the one that stands for all that share its quantization."""
    group = {node.name: node.name for node in graph.nodes}

    def find(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for node in graph.nodes:
        if isinstance(node, MaxPool2d | Flatten | Concat):
            for name in node.inputs:
                group[find(name)] = find(node.name)
    return {name: find(name) for name in group}


def shared_ranges(graph: FloatGraph, ranges: dict[str, Range]) -> dict[str, Range]:
    """For each node the union of the ranges of all nodes that must share its quantization."""
    shared: dict[str, Range] = {}
    standing = groups(graph)
    for name, root in standing.items():
        shared[root] = shared[root].union(ranges[name]) if root in shared else ranges[name]
    return {name: shared[root] for name, root in standing.items()}


def _is_input(nodes: dict[str, Node], name: str) -> bool:
    """Whether the codes of ``name`` are those of the network's input, moved at most."""
    node = nodes[name]
    while isinstance(node, MaxPool2d | Flatten):
        node = nodes[node.inputs[0]]
    return isinstance(node, Input)
