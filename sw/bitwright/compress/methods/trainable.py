"""The graph as a module that trains: latent float weights behind fake quantizers."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

import numpy as np
import torch
from torch import Tensor, nn

from bitwright.compress.methods.folded_norm import FoldedNorm
from bitwright.compress.methods.scaled import (
    EncodedWeight,
    ObservedActivation,
    ScaledActivation,
    ScaledWeight,
    Scales,
)
from bitwright.compress.sharing import groups
from bitwright.compress.simulation import Layer, Simulated, layers
from bitwright.compress.state import State, with_parameters
from bitwright.importers.execute import run_node
from bitwright.network import Quantization


class Trainable(Simulated):
    """A state's network, its weights and scales to be trained, and the state that they make.

    Layers of ``normed`` get a batch normalisation that folds into their weights; see `FoldedNorm`.
    """

    def __init__(self, state: State, scales: Scales, normed: Mapping[str, Tensor]) -> None:
        standing = groups(state.graph)
        quantizers: dict[str, nn.Module] = {}
        for name, quantization in state.activations.items():
            if standing[name] == name:
                quantizers[name] = _activation(quantization, scales)
        super().__init__(state.graph, quantizers)
        self._state = state
        latent, now = layers(state.original), layers(state.graph)
        self._number = {name: f"w{number}" for number, name in enumerate(now)}
        self.weights, self.biases = nn.ParameterDict(), nn.ParameterDict()
        self.grids, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for name, key in self._number.items():
            self.weights[key] = nn.Parameter(torch.from_numpy(latent[name].weight).float())
            self.biases[key] = nn.Parameter(torch.from_numpy(now[name].bias).float())
            if name in state.grids:
                self.grids[key] = ScaledWeight(state.grids[name], scales)
            elif name in state.encoded:
                self.grids[key] = EncodedWeight(state.encoded[name])
            if name in normed:
                self.norms[key] = FoldedNorm(normed[name], self.biases[key].detach())
                del self.biases[key]

    def freeze(self) -> None:
        """Keep observed ranges and running statistics from now on."""
        for module in self.modules():
            if isinstance(module, ObservedActivation | FoldedNorm):
                module.freeze()

    def compute(self, name: str, inputs: list[Tensor]) -> Tensor:
        """The node's output before it is rounded."""
        node = self.graph[name]
        if not isinstance(node, Layer):
            return run_node(node, inputs)
        key = self._number[name]
        if key not in self.norms:
            return run_node(node, inputs, self._quantized(key), self.biases[key])
        norm = self.norms[key]
        assert isinstance(norm, FoldedNorm)
        plain = replace(node, inputs=node.inputs[:1], low=-inf, high=inf)
        none = torch.zeros_like(norm.mean)
        factor, bias = norm.adjustment(run_node(plain, inputs[:1], self.weights[key], none))
        along = (-1,) + (1,) * (len(node.shape) - 1)
        y = run_node(plain, inputs[:1], self._quantized(key), none)
        y = y * factor.reshape(along) + bias.reshape(along)
        if len(inputs) == 2:
            y = y + inputs[1]
        return y.clamp(node.low, node.high)

    def state(self) -> State:
        """The state that the training has come to: the latent weights are its float network."""
        latent, biases, rounded, grids = {}, {}, {}, {}
        for name, key in self._number.items():
            weight = self._latent(key).detach()
            bias = self.norms[key].bias() if key in self.norms else self.biases[key]  # type: ignore[operator]
            latent[name] = rounded[name] = weight.double().numpy()
            biases[name] = bias.detach().double().numpy()
            grid = dict(self.grids).get(key)
            if isinstance(grid, ScaledWeight):
                rounded[name], grids[name] = grid.on_grid(weight)
            elif isinstance(grid, EncodedWeight):
                rounded[name] = grid(weight).double().numpy()
        original = with_parameters(self._state.original, weights=latent, biases=biases)
        learned = {name: self._learned(name, q) for name, q in self._state.activations.items()}
        return replace(
            self._state.with_weights(rounded, grids),
            encoded=self._state.encoded,
            original=original,
            graph=with_parameters(self.graph, weights=rounded, biases=biases),
            activations=learned,
        )

    def _latent(self, key: str) -> Tensor:
        weight: Tensor = self.weights[key]
        if key not in self.norms:
            return weight
        folded: Tensor = self.norms[key].fold(weight)  # type: ignore[operator]
        return folded

    def _quantized(self, key: str) -> Tensor:
        latent = self._latent(key)
        return self.grids[key](latent) if key in self.grids else latent

    def _learned(self, name: str, before: Quantization) -> Quantization:
        module = self.quantizer(name)
        if isinstance(module, ScaledActivation | ObservedActivation):
            return module.quantization()
        return before


def _activation(quantization: Quantization, scales: Scales) -> nn.Module:
    if scales is Scales.OBSERVED:
        return ObservedActivation(quantization.bits)
    return ScaledActivation(quantization, learned=scales is Scales.LEARNED)


def plain_outputs(state: State, samples: Tensor, names: list[str]) -> dict[str, Tensor]:
    """What layers give in the float network, before bias, residual and clamp."""
    found: dict[str, Tensor] = {}
    values: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, value in State.start(state.original).simulated().taps(samples):
            values[name] = value
            node = state.original[name]
            if name in names and isinstance(node, Layer):
                plain = replace(node, inputs=node.inputs[:1], low=-inf, high=inf)
                none = torch.zeros(len(np.atleast_1d(node.bias)))
                found[name] = run_node(plain, [values[node.inputs[0]]], None, none)
    return found
