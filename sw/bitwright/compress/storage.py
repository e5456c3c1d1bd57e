"""What a network's parameters take to store, to the bit."""

from dataclasses import dataclass

import numpy as np

from bitwright.compress.grid import Grid
from bitwright.compress.simulation import layers
from bitwright.compress.state import State

FLOAT = 32
"""Bits of a parameter before compression, of a scale and of a bias."""
CODE = 8
"""Bits of a code that the hardware multiplies: of a codebook's entry and of an offset."""
CODEBOOK = "codebook"
"""Formats of this name have entries of their own, which are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One layer's parameters, in bits."""

    name: str
    format: str
    weights: int
    """Their number."""
    float_bits: int
    """Of weights and biases in float32."""
    index_bits: int
    """Of the weights, coded or not; tables of a code included."""
    side_bits: int
    """Of scales, offsets, codebook and biases."""

    @property
    def bits(self) -> int:
        """Of all."""
        return self.index_bits + self.side_bits


def stored(state: State) -> tuple[Stored, ...]:
    """Every layer with weights, as it is now: float32 where it has no grid yet."""
    found = []
    for name, layer in layers(state.graph).items():
        grid = state.grids.get(name)
        count, biases = layer.weight.size, FLOAT * layer.bias.size
        plain = FLOAT * count if grid is None else grid.index_bits * count
        found.append(
            Stored(
                name=name,
                format="float32" if grid is None else grid.format,
                weights=count,
                float_bits=FLOAT * count + biases,
                index_bits=state.coded.get(name, plain),
                side_bits=biases + (0 if grid is None else shared_bits(grid)),
            )
        )
    return tuple(found)


def shared_bits(grid: Grid) -> int:
    """Of what a layer's weights share: scales and offsets, once if all are equal, and codebook."""
    scales = FLOAT * (1 if len(np.unique(grid.scale)) == 1 else len(grid.scale))
    distinct = len(np.unique(grid.offset))
    offsets = CODE * (len(grid.offset) if distinct > 1 else int(grid.offset.any()))
    entries = CODE * len(grid.levels) if grid.format.startswith(CODEBOOK) else 0
    return scales + offsets + entries
