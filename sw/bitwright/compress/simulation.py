"""The float graph in torch, with fake quantizers on its tensors: what is measured and trained."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from bitwright.compress.fake import FakeQuantize
from bitwright.compress.sharing import groups
from bitwright.importers.execute import run_node
from bitwright.importers.graph import Array, Conv2d, Flatten, FloatGraph, Input, Linear, MaxPool2d
from bitwright.network import Quantization

Layer = Conv2d | Linear
"""A node with weights."""


def layers(graph: FloatGraph) -> dict[str, Layer]:
    """The nodes with weights, in order."""
    return {node.name: node for node in graph.nodes if isinstance(node, Layer)}


def fake_quantizer(quantization: Quantization, *, learned: bool = False) -> FakeQuantize:
    """The module that rounds a tensor to the values of its codes."""
    # Codes -2^(N-1) .. 2^(N-1)-1 with zero point z are uint<N>'s with z + 2^(N-1).
    offset = 1 << (quantization.bits - 1)
    return FakeQuantize(
        f"uint{quantization.bits}",
        scale=quantization.scale,
        zero_point=quantization.zero_point + offset,
        learned=learned,
    )


class Simulated(nn.Module):
    """The graph, its tensors rounded where ``quantizers`` has a module for them, by name.

    Tensors that share one quantization share the module of the node that stands for them
    (`sharing.groups`). Max pooling and flatten move values that are rounded already.
    """

    def __init__(self, graph: FloatGraph, quantizers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.graph = graph
        self._group = groups(graph)
        # A module's name has no dots.
        self._names = {name: f"q{number}" for number, name in enumerate(quantizers)}
        self.quantizers = nn.ModuleDict(
            {self._names[name]: module for name, module in quantizers.items()}
        )

    @classmethod
    def of(cls, graph: FloatGraph, activations: Mapping[str, Quantization]) -> "Simulated":
        """With each tensor's quantization given; those without stay float."""
        standing = groups(graph)
        return cls(
            graph,
            {
                name: fake_quantizer(quantization)
                for name, quantization in activations.items()
                if standing[name] == name
            },
        )

    def quantizer(self, name: str) -> nn.Module | None:
        """The module of the tensor ``name``."""
        root = self._group[name]
        return self.quantizers[self._names[root]] if root in self._names else None

    def parameters_of(self, node: Layer) -> tuple[Tensor, Tensor]:
        """Weight and bias of a layer, as it uses them."""
        return _float32(node.weight), _float32(node.bias)

    def compute(self, name: str, inputs: list[Tensor]) -> Tensor:
        """The node's output before it is rounded."""
        node = self.graph[name]
        if isinstance(node, Layer):
            return run_node(node, inputs, *self.parameters_of(node))
        return run_node(node, inputs)

    def round(self, name: str, value: Tensor) -> Tensor:
        """The node's output, rounded as its quantizer does."""
        quantizer = self.quantizer(name)
        moved = isinstance(self.graph[name], MaxPool2d | Flatten)
        return value if quantizer is None or moved else quantizer(value)

    def taps(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """(name, value) of every node in order; a value is dropped after its last use."""
        uses = self.graph.uses()
        values: dict[str, Tensor] = {}
        for node in self.graph.nodes:
            if isinstance(node, Input):
                value = x
            else:
                value = self.compute(node.name, [values[name] for name in node.inputs])
            values[node.name] = self.round(node.name, value)
            for name in node.inputs:
                uses[name] -= 1
                if not uses[name]:
                    del values[name]
            yield node.name, values[node.name]

    def forward(self, x: Tensor) -> Tensor:
        """The network's result (N, ...)."""
        for _, value in self.taps(x):
            result = value
        return result


def _float32(values: Array) -> Tensor:
    return torch.from_numpy(values).to(torch.float32)
