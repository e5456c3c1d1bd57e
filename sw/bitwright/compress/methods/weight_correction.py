"""The step `weight_correction`: give each channel's weights their mean and spread back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Integer
from bitwright.compress.grid import BYTE, Grid
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step
from bitwright.importers.graph import Array


def moments(weight: Array, quantized: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(u, zeta) per channel: u = E(w) - E(q), zeta = |w - E(w)| / |q - E(q)|; 1 where q is flat.

    >>> u, zeta = moments(np.array([[1.0, 3.0]]), np.array([[0.0, 1.0]]))
    >>> float(u[0]), float(zeta[0])
    (1.5, 2.0)
    """
    w, q = (part.reshape(len(part), -1) for part in (weight, quantized))
    before, after = w.mean(axis=1), q.mean(axis=1)
    spread = np.linalg.norm(w - before[:, None], axis=1)
    left = np.linalg.norm(q - after[:, None], axis=1)
    zeta = np.divide(spread, left, out=np.ones_like(spread), where=(left > 0) & (spread > 0))
    return before - after, zeta


def corrected(
    grid: Grid, u: NDArray[np.float64], zeta: NDArray[np.float64]
) -> tuple[Grid, NDArray[np.float64]]:
    """The grid whose values are zeta (v + u), and the u that it holds.

    Codes stay int8: the levels are spread by the greatest factor k that leaves room for round(k u
    / scale) as each channel's offset. At 8 bits k is 1, and u is rounded to whole steps.
    """
    steps = u / grid.scale
    for factor in range(BYTE, 0, -1):
        shift = Integer(16).encode(factor * steps, scale=1.0).codes.astype(np.int64)
        offset = factor * grid.offset + shift
        if np.abs(factor * grid.levels[[0, -1]][:, None] + offset).max() <= BYTE:
            break
    else:
        factor, shift, offset = 1, np.zeros_like(grid.offset), grid.offset
    wider = replace(
        grid, levels=factor * grid.levels, offset=offset, scale=zeta * grid.scale / factor
    )
    return wider, shift * grid.scale / factor


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCorrection(Step):
    """w <- zeta (w + u) per channel, u = E(w) - E(q), zeta the ratio of the norms about the mean.

    Source: R. Banner et al., Post Training 4-bit Quantization of Convolutional Networks for
    Rapid-Deployment, arXiv:1810.05723, on bias correction. zeta goes into the channel's scale, u
    into an offset of its codes; see `corrected`.
    """

    name: ClassVar[str] = "weight_correction"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.CORRECTED})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.CORRECTED: "corrects what is corrected already",
        Fact.TRAINED: "fits the float network, and training has moved the weights away from it",
    }

    def apply(self, state: State, context: Context) -> State:
        """Correct every layer that has a grid."""
        original, now = layers(state.original), layers(state.graph)
        grids, weights = {}, {}
        for name, grid in state.grids.items():
            index = grid.index(now[name].weight)
            u, zeta = moments(original[name].weight, now[name].weight)
            grids[name], _ = corrected(grid, u, zeta)
            weights[name] = grids[name].values(index)
        return state.with_weights(weights, grids)
