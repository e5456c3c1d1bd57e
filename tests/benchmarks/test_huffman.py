"""What the Huffman benchmark counts: layers apart, tables too, codes only where they pay."""

from types import SimpleNamespace

import numpy as np
from benchmarks.huffman import coded, layer_words, measured
from tests.cocotb.small import ARCHITECTURE, network

from bitwright.compiler import compile


def test_layers_are_told_apart():
    program = compile(network(streamed=False), ARCHITECTURE)
    layers = list(layer_words(program))
    # Tiles of four outputs, inputs by four: two tiles of two inputs, one tile of twenty.
    assert [len(words) for words in layers] == [2 * 4, 5 * 4]
    held = {byte for words in layers for byte in words.ravel().tolist()}
    assert set((program.network["linear"].weight.ravel() & 0xFF).tolist()) <= held


def test_beats_count_the_table():
    words = np.zeros((100, 8), np.uint8)
    words[0, 0] = 1
    found = coded(words, "weights")
    assert found.table_bytes == 2 * 16 + 2
    assert found.beats(8) == 5 + 13  # 34 bytes; 800 codes of a bit


def test_pairs_of_up_to_16_values_are_symbols():
    words = np.tile(np.arange(100, 116, dtype=np.uint8), 4).reshape(-1, 8)
    found = coded(words, "pairs")
    values = np.unique(words)
    assert [values[found.symbols >> 4][0], values[found.symbols & 15][0]] == words[0, :2].tolist()
    assert found.values == 16
    assert coded(np.arange(24, dtype=np.uint8).reshape(-1, 8), "pairs") is None


def test_layers_that_a_code_makes_longer_stay_as_they_are():
    words = np.arange(256, dtype=np.uint8).reshape(-1, 8)
    row = measured(SimpleNamespace(lanes=8), [words], "weights")
    assert (row["beats"], row["beats_coded"], row["layers_coded"]) == (32, 32, 0)
