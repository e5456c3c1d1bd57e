"""The step `huffman`: weights' indices as a variable-length code, and sparse ones as gaps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bitwright.compress.gaps import to_gaps
from bitwright.compress.grid import Grid
from bitwright.compress.huffman import MAX_LENGTH, HuffmanCode
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require, selected

GAP_BITS = 4
"""Of a gap between two weights that are not zero."""


def coded_bits(index: NDArray[np.int64], levels: int, max_length: int) -> int:
    """Bits of the indices under their own Huffman code, its table included."""
    counts = np.bincount(index.ravel(), minlength=levels)
    code = HuffmanCode.from_counts(counts, max_length)
    return code.bits_of(counts) + code.table_bits


def sparse_bits(index: NDArray[np.int64], grid: Grid, max_length: int) -> int | None:
    """Bits of gaps and values, each under a Huffman code of its own; None without zeros."""
    zeros = np.flatnonzero(grid.levels == 0)
    if not len(zeros) or grid.offset.any() or not (index != zeros[0]).any():
        return None
    gaps, values = to_gaps(index, int(zeros[0]), GAP_BITS)
    gap_bits = coded_bits(gaps, 1 << GAP_BITS, max_length)
    return gap_bits + coded_bits(values, len(grid.levels), max_length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Huffman(Step):
    """Code each layer's indices by Huffman, or its gaps and values, whatever is shortest.

    The network stays as it is; what it takes to store changes. Tables count.

    Source: S. Han et al., Deep Compression, arXiv:1510.00149, section 4.
    """

    name: ClassVar[str] = "huffman"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.GRIDS})
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.CODED})
    forbids: ClassVar[Mapping[Fact, str]] = {Fact.CODED: "codes what is coded already"}

    max_length: int = MAX_LENGTH
    """Bits of the longest code."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers' names."""

    def __post_init__(self) -> None:
        require(self.max_length in range(8, 32), "max_length must lie in 8..31", self.max_length)

    def apply(self, state: State, context: Context) -> State:
        """Count the bits of each way and keep the least."""
        known = layers(state.graph)
        coded: dict[str, int] = {}
        ways: dict[str, Any] = {}
        for name in selected(self.layers, known):
            if name not in state.grids:
                continue
            context.progress(name)
            grid = state.grids[name]
            index = grid.index(known[name].weight)
            plain = index.size * grid.index_bits
            bits = {"plain": plain, "huffman": coded_bits(index, len(grid.levels), self.max_length)}
            sparse = sparse_bits(index, grid, self.max_length)
            if sparse is not None:
                bits["gaps"] = sparse
            ways[name] = bits | {"entropy": entropy(index) * index.size}
            coded[name] = min(bits.values())
        return replace(state.with_finding("coding", ways), coded={**state.coded, **coded})


def entropy(index: NDArray[np.int64]) -> float:
    """Bits per symbol that no code of single symbols goes below.

    >>> entropy(np.array([0, 0, 1, 2]))
    1.5
    """
    share = np.bincount(index.ravel()) / index.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
