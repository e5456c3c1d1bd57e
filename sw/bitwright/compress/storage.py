"""What a network's parameters take to store, to the bit."""

from dataclasses import dataclass

import numpy as np

from bitwright.arith import parse
from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.importers.graph import Array
from bitwright.network import BinaryConv2d, BinaryLinear, Conv2d, Linear, Threshold

Weighted = Conv2d | Linear | BinaryConv2d | BinaryLinear

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
    if state.integers is not None:
        return tuple(_of_integers(layer) for layer in state.integers if isinstance(layer, Weighted))
    found = []
    for name, layer in layers(state.graph).items():
        count, biases = layer.weight.size, FLOAT * layer.bias.size
        fmt, plain, shared = "float32", FLOAT * count, 0
        if name in state.grids:
            grid = state.grids[name]
            fmt, plain, shared = grid.format, grid.index_bits * count, shared_bits(grid)
        elif name in state.encoded:
            fmt = state.encoded[name]
            plain, shared = parse(fmt).bits * count, block_bits(layer.weight, fmt)
        found.append(
            Stored(
                name=name,
                format=fmt,
                weights=count,
                float_bits=FLOAT * count + biases,
                index_bits=state.coded.get(name, plain),
                side_bits=biases + shared,
            )
        )
    return tuple(found)


def _of_integers(layer: Weighted) -> Stored:
    """A threshold per channel takes as much as a bias; else there are a multiplier and a bias."""
    count, channels = layer.weight.size, len(layer.weight)
    signs = bool((np.abs(layer.weight) == 1).all())
    if isinstance(layer, BinaryConv2d | BinaryLinear) or signs:
        fmt, bits = "binary", 1
    else:
        fmt, bits = f"int{layer.weight_bits}", layer.weight_bits
    return Stored(
        name=layer.name,
        format=fmt,
        weights=count,
        float_bits=FLOAT * (count + channels),
        index_bits=bits * count,
        side_bits=FLOAT * channels * (1 if isinstance(layer.requantization, Threshold) else 2),
    )


def block_bits(weight: Array, fmt: str) -> int:
    """Of what blocks share, which run along each output channel's weights, and the whole layer."""
    whole = parse(fmt).shared_bits(0)
    return whole + sum(parse(fmt).shared_bits(channel.size) - whole for channel in weight)


def shared_bits(grid: Grid) -> int:
    """Of what a layer's weights share: scales and offsets, once if all are equal, and codebook."""
    scales = FLOAT * (1 if len(np.unique(grid.scale)) == 1 else len(grid.scale))
    distinct = len(np.unique(grid.offset))
    offsets = CODE * (len(grid.offset) if distinct > 1 else int(grid.offset.any()))
    if grid.format.startswith(CODEBOOK):
        entries = CODE * len(grid.levels)
    else:  # a correction has spread the levels by a factor
        entries = 0 if np.array_equal(grid.levels, levels(grid.format)) else CODE
    return scales + offsets + entries
