"""The step `adaround`: learn, per weight, whether to round it down or up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from typing import ClassVar

import torch
from torch import Tensor

from bitwright.compress.grid import Grid
from bitwright.compress.lockstep import lockstep, weights_of
from bitwright.compress.simulation import Layer, layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require, selected
from bitwright.importers.execute import run_node
from bitwright.importers.graph import Array

STRETCH_LOW, STRETCH_HIGH = -0.1, 1.1
"""The sigmoid is stretched beyond 0 .. 1 and cut, so that it reaches both ends."""
WARM = 0.2
"""Share of the iterations before rounding is enforced."""
SHARPEST, SOFTEST = 2.0, 20.0
"""The exponent of the regulariser falls from the one to the other."""


def rectified_sigmoid(v: Tensor) -> Tensor:
    """h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1): the part of the way from below to above."""
    stretched = torch.sigmoid(v) * (STRETCH_HIGH - STRETCH_LOW) + STRETCH_LOW
    return stretched.clamp(0, 1)


def regulariser(h: Tensor, beta: float) -> Tensor:
    """sum (1 - |2 h - 1|^beta): zero only where every h is 0 or 1."""
    return (1 - (2 * h - 1).abs().pow(beta)).sum()


def exponent(progress: float) -> float:
    """beta after a share of the iterations: a cosine from 20 down to 2, once warm."""
    after = max(0.0, (progress - WARM) / (1 - WARM))
    return SHARPEST + (SOFTEST - SHARPEST) * (1 + cos(pi * after)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaRound(Step):
    """Choose each weight's upper or lower neighbour so that the layer's output errs least.

    A continuous part h of the way up is trained per weight on |y - q|^2, after the activation,
    with a term that drives h to 0 or 1; the inputs are those of the quantized network.

    Source: M. Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization,
    arXiv:2004.10568, sections 3.2 and 3.3.
    """

    name: ClassVar[str] = "adaround"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.TRAINED: "fits the float network, and training has moved the weights away from it"
    }

    images: int = 1024
    """Of the training split."""
    iterations: int = 1000
    """Steps of Adam per layer."""
    batch_size: int = 32
    learning_rate: float = 1e-2
    regularisation: float = 0.01
    """Weight of the term that drives h to 0 or 1."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers' names."""

    def __post_init__(self) -> None:
        for key in ("images", "iterations", "batch_size"):
            require(getattr(self, key) >= 1, f"{key} must be at least 1", getattr(self, key))
        require(self.learning_rate > 0, "learning_rate must be positive", self.learning_rate)
        require(self.regularisation > 0, "regularisation must be positive", self.regularisation)

    def apply(self, state: State, context: Context) -> State:
        """Train layer after layer; each sees the inputs that the ones before leave it."""
        original = layers(state.original)
        wanted = set(selected(self.layers, original)) & state.grids.keys()
        generator = torch.Generator().manual_seed(context.seed)

        def revise(layer: Layer, inputs: list[Tensor], target: Tensor) -> Layer:
            if layer.name not in wanted:
                return layer
            context.progress(layer.name)
            weight = self.choose(
                layer,
                original[layer.name].weight,
                state.grids[layer.name],
                inputs,
                target,
                generator,
            )
            return replace(layer, weight=weight)

        revised = lockstep(state, context.samples(self.images), revise)
        return state.with_weights({name: weights_of(revised)[name] for name in wanted})

    @torch.enable_grad()
    def choose(
        self,
        layer: Layer,
        weight: Array,
        grid: Grid,
        inputs: list[Tensor],
        target: Tensor,
        generator: torch.Generator,
    ) -> Array:
        """The neighbours of ``weight`` on the grid that reproduce ``target`` best."""
        low = grid.below(weight)
        below, above = (
            torch.from_numpy(grid.values(index)).to(target.dtype) for index in (low, low + 1)
        )
        part = (torch.from_numpy(weight).to(target.dtype) - below) / (above - below)
        # Inverse of h, inside its range: training starts at the float weights.
        inside = part.clamp(0.01, 0.99)
        v = (-torch.log((STRETCH_HIGH - STRETCH_LOW) / (inside - STRETCH_LOW) - 1)).requires_grad_()
        optimizer = torch.optim.Adam([v], lr=self.learning_rate)
        bias = torch.from_numpy(layer.bias).to(target.dtype)
        wanted = target.clamp(layer.low, layer.high)
        for iteration in range(self.iterations):
            chosen = torch.randint(len(target), (self.batch_size,), generator=generator)
            h = rectified_sigmoid(v)
            soft = below + h * (above - below)
            output = run_node(layer, [x[chosen] for x in inputs], soft, bias)
            loss = (output - wanted[chosen]).square().flatten(1).sum(1).mean()
            loss = loss / (target[0].numel() / target.shape[1])
            progress = iteration / self.iterations
            if progress >= WARM:
                loss = loss + self.regularisation * regulariser(h, exponent(progress))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        up = rectified_sigmoid(v.detach()) >= 0.5
        return grid.values(low + up.numpy())
