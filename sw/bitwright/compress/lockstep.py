"""The float network and its quantized twin, side by side: what a layer's method is fitted to."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

import torch
from torch import Tensor

from bitwright.compress.simulation import Layer
from bitwright.compress.state import State
from bitwright.importers.execute import run_node
from bitwright.importers.graph import Array, Input

Revise = Callable[[Layer, list[Tensor], Tensor], Layer]
"""(layer, its inputs when quantized, its float output before the clamp) to the layer revised."""


def lockstep(state: State, samples: Tensor, revise: Revise) -> dict[str, Layer]:
    """Revise layer after layer; each sees what the layers revised before it make of the samples."""
    simulated = state.simulated()
    exact: dict[str, Tensor] = {}
    rounded: dict[str, Tensor] = {}
    revised: dict[str, Layer] = {}
    uses = state.graph.uses()
    with torch.no_grad():
        for node, original in zip(state.graph.nodes, state.original.nodes, strict=True):
            if isinstance(node, Input):
                exact[node.name], value = samples, samples
            else:
                inputs = [rounded[name] for name in node.inputs]
                true_inputs = [exact[name] for name in node.inputs]
                exact[node.name] = run_node(original, true_inputs)
                if isinstance(node, Layer) and isinstance(original, Layer):
                    target = run_node(replace(original, low=-inf, high=inf), true_inputs)
                    revised[node.name] = node = revise(node, inputs, target)
                value = run_node(node, inputs)
            rounded[node.name] = simulated.round(node.name, value)
            for name in node.inputs:
                uses[name] -= 1
                if not uses[name]:
                    del exact[name], rounded[name]
    return revised


def weights_of(revised: dict[str, Layer]) -> dict[str, Array]:
    """The weights of revised layers."""
    return {name: layer.weight for name, layer in revised.items()}


def biases_of(revised: dict[str, Layer]) -> dict[str, Array]:
    """The biases of revised layers."""
    return {name: layer.bias for name, layer in revised.items()}
