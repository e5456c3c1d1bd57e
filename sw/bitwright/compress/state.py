"""What a recipe's steps hand on: the network, half quantized."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitwright.arith import Rounding
from bitwright.compress.grid import Grid
from bitwright.compress.lower import Settings, lower
from bitwright.compress.simulation import Layer, Simulated, layers
from bitwright.importers.graph import Array, FloatGraph
from bitwright.network import Network, Quantization


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """A network on its way from float to integers."""

    original: FloatGraph
    """The float network that quantization approximates."""
    graph: FloatGraph
    """The same nodes; the weights of the layers in ``grids`` lie on their grids."""
    activations: Mapping[str, Quantization] = field(default_factory=dict)
    """Of every tensor by name, or of none."""
    grids: Mapping[str, Grid] = field(default_factory=dict)
    """By layer."""
    encoded: Mapping[str, str] = field(default_factory=dict)
    """Formats without a grid, by layer: the weights are values of theirs, with blocks or more."""
    formats: Mapping[str, str] = field(default_factory=dict)
    """The number format planned for each layer."""
    coded: Mapping[str, int] = field(default_factory=dict)
    """Bits of a layer's indices as coded, tables included; others are stored as they are."""
    integers: Network | None = None
    """Where a step has come to it by itself; it stands for all the above."""
    findings: Mapping[str, Any] = field(default_factory=dict)
    """What steps have found out and a report shows, as JSON has it."""

    @classmethod
    def start(cls, graph: FloatGraph) -> "State":
        """Nothing is quantized yet."""
        return cls(original=graph, graph=graph)

    def simulated(self) -> Simulated:
        """The network as far as it is quantized, in torch."""
        return Simulated.of(self.graph, self.activations)

    def with_weights(
        self, weights: Mapping[str, Array], grids: Mapping[str, Grid] | None = None
    ) -> "State":
        """With other weights of some layers, and their grids; their coding is undone."""
        return replace(
            self,
            graph=with_parameters(self.graph, weights=weights),
            grids={**self.grids, **(grids or {})},
            encoded={name: fmt for name, fmt in self.encoded.items() if name not in weights},
            coded={name: bits for name, bits in self.coded.items() if name not in weights},
        )

    def with_values(self, weights: Mapping[str, Array], fmt: str) -> "State":
        """With weights that are values of a format without a grid.

        The array has no path for such formats: lowered, the values are int8 codes per channel.
        """
        state = self.with_weights(weights)
        return replace(
            state,
            grids={name: grid for name, grid in self.grids.items() if name not in weights},
            encoded={**state.encoded, **dict.fromkeys(weights, fmt)},
        )

    def with_finding(self, name: str, value: Any) -> "State":
        """With something more for the report."""
        return replace(self, findings={**self.findings, name: value})

    def lower(self) -> Network:
        """The network of integers; ValueError unless the activations are quantized."""
        if self.integers is not None:
            return self.integers
        if not self.activations:
            raise ValueError("the activations have no ranges yet; calibrate them first")
        settings = Settings(
            weight_bits=8,
            activation_bits=8,
            symmetric=False,
            multiplier_bits=16,
            rounding=Rounding.HALF_UP,
        )
        return Network(lower(self.graph, self.activations, settings, self.grids))


def with_parameters(
    graph: FloatGraph,
    *,
    weights: Mapping[str, Array] | None = None,
    biases: Mapping[str, Array] | None = None,
) -> FloatGraph:
    """The graph with other parameters of some layers, as float64."""
    weights, biases = weights or {}, biases or {}
    unknown = (weights.keys() | biases.keys()) - layers(graph).keys()
    if unknown:
        raise KeyError(f"no layer {min(unknown)!r}")
    nodes = tuple(
        replace(
            node,
            weight=np.asarray(weights.get(node.name, node.weight), np.float64),
            bias=np.asarray(biases.get(node.name, node.bias), np.float64),
        )
        if isinstance(node, Layer)
        else node
        for node in graph.nodes
    )
    return FloatGraph(nodes=nodes, notes=graph.notes)
