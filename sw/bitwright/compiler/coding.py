"""Weights under a Huffman code, as the fetch engine's decoder takes them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.huffman import HuffmanCode
from bitwright.compiler.pack import Bytes
from bitwright.isa.instructions import FETCH_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """A packet: the code's table, then the codes of the weights' bytes."""

    data: Bytes
    """(beats, lanes)."""
    numbers: int
    """Of the table, two bytes each."""


def code_weights(words: Bytes) -> Coded | None:
    """Code weight words (words, lanes), or None where that saves no beat.

    A byte is a symbol, in the order of the buffer. Table and codes begin with a beat each, and
    zeros fill up their last ones.
    """
    lanes = words.shape[1]
    if not words.size:
        return None
    code = HuffmanCode.from_counts(np.bincount(words.ravel(), minlength=256))
    table = np.array(code.table(), "<u2")
    bits = code.encode(words)
    data = np.concatenate([_beats(table.view(np.uint8), lanes), _beats(np.packbits(bits), lanes)])
    if len(data) >= len(words) or len(data) >= 1 << FETCH_FIELDS["beats"].width:
        return None
    return Coded(data=data, numbers=len(table))


def _beats(data: NDArray[np.uint8], lanes: int) -> Bytes:
    beats = np.zeros((-(-len(data) // lanes), lanes), np.uint8)
    beats.reshape(-1)[: len(data)] = data
    return beats
