"""The step `gptq`: round weight after weight, and let those left make up for the error."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bitwright.compress.grid import Grid
from bitwright.compress.lockstep import lockstep, weights_of
from bitwright.compress.simulation import Layer, layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require, selected
from bitwright.importers.execute import pad_image
from bitwright.importers.graph import Array, Conv2d


def rows(layer: Layer, x: Tensor, group: int = 0) -> Tensor:
    """What the weights of a group multiply, one row per output position: (positions, K)."""
    if not isinstance(layer, Conv2d):
        return x
    each = x.shape[1] // layer.groups
    part = pad_image(x[:, group * each : (group + 1) * each], layer.padding, 0.0)
    kernel = layer.weight.shape[2:]
    columns = functional.unfold(part, kernel, layer.dilation, 0, layer.stride)  # (N, K, positions)
    return columns.transpose(1, 2).reshape(-1, columns.shape[1])


def feed_back(weight: Array, hessian: Array, grid: Grid, damping: float) -> Array:
    """Round the columns of (O, K) weights in order of decreasing curvature, errors fed forward.

    After a column is rounded, the columns left change by what undoes most of the output's error:
    -error / U[j, j] times row j of U, the upper Cholesky factor of the Hessian's inverse.
    """
    order = np.argsort(-np.diag(hessian), kind="stable")
    left = weight[:, order].copy()
    curved = hessian[np.ix_(order, order)].copy()
    # A column whose input is always zero bears no error and takes part in none.
    np.fill_diagonal(curved, np.diag(curved) + damping * max(np.diag(curved).mean(), 1e-12))
    upper = np.linalg.cholesky(np.linalg.inv(curved)).T
    for column in range(left.shape[1]):
        rounded = grid.round(left[:, column])
        error = (left[:, column] - rounded) / upper[column, column]
        left[:, column + 1 :] -= np.outer(error, upper[column, column + 1 :])
        left[:, column] = rounded
    quantized = np.empty_like(left)
    quantized[:, order] = left
    return quantized


@dataclass(frozen=True, slots=True, kw_only=True)
class Gptq(Step):
    """Error feedback by second-order information, for linear layers and convolutions.

    The layer's squared output error is quadratic in its weights, with Hessian 2 X X^T of its
    inputs; rounding one weight after another, the optimal change of the others is known.

    Source: E. Frantar et al., GPTQ, arXiv:2210.17323, section 3, after B. Hassibi and D. Stork,
    Optimal Brain Surgeon, 1992; convolutions as in Optimal Brain Compression, arXiv:2208.11580.
    """

    name: ClassVar[str] = "gptq"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.TRAINED: "fits the float network, and training has moved the weights away from it"
    }

    images: int = 512
    """Of the training split."""
    damping: float = 0.01
    """Added to the Hessian's diagonal, as a share of its mean."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers' names."""

    def __post_init__(self) -> None:
        require(self.images >= 1, "images must be at least 1", self.images)
        require(self.damping > 0, "damping must be positive", self.damping)

    def apply(self, state: State, context: Context) -> State:
        """Round layer after layer; each sees the inputs that the ones before leave it."""
        original = layers(state.original)
        wanted = set(selected(self.layers, original)) & state.grids.keys()

        def revise(layer: Layer, inputs: list[Tensor], target: Tensor) -> Layer:
            if layer.name not in wanted:
                return layer
            context.progress(layer.name)
            weight = original[layer.name].weight
            return replace(
                layer, weight=self.round(layer, weight, state.grids[layer.name], inputs[0])
            )

        revised = lockstep(state, context.samples(self.images), revise)
        return state.with_weights({name: weights_of(revised)[name] for name in wanted})

    def round(self, layer: Layer, weight: Array, grid: Grid, x: Tensor) -> Array:
        """The layer's weights on the grid, group by group."""
        groups = layer.groups if isinstance(layer, Conv2d) else 1
        outputs = len(weight) // groups
        found = []
        for group in range(groups):
            own = slice(group * outputs, (group + 1) * outputs)
            part = replace(grid, scale=grid.scale[own], offset=grid.offset[own])
            inputs = rows(layer, x, group).to(torch.float64)
            hessian = (2 / len(inputs) * (inputs.T @ inputs)).numpy()
            flat = weight[own].reshape(outputs, -1)
            found.append(feed_back(flat, hessian, part, self.damping))
        return np.concatenate(found).reshape(weight.shape)
