"""The XNOR engine, word by word, against packed words in numpy; portable and mapped."""

from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.back import verilog
from numpy.typing import NDArray

from bitwright.arith import pack_words, xnor_dot
from bitwright.isa import Architecture
from bitwright.rtl.technology import TECHNOLOGIES
from bitwright.rtl.xnor import AHEAD, XnorEngine
from bitwright.sim import VerilatedModel
from bitwright.synth.primitives import primitive_verilog


@dataclass(frozen=True)
class Tile:
    """A tile of a random shape: its words, and what should come of it."""

    activations: NDArray[np.int64]
    """(rows, words, W); a row of padding is all zeros or anything, and not valid."""
    weights: NDArray[np.int64]
    """(columns, words, W), 0 behind the bits that count."""
    bits: NDArray[np.int64]
    """(words,): how many count."""
    valid: NDArray[np.int64]
    """(rows, words)."""

    def sums(self) -> NDArray[np.int64]:
        """(rows, columns)."""
        total = 0
        for word, bits in enumerate(self.bits):
            a, w = self.activations[:, word, :bits], self.weights[:, word, :bits]
            products = xnor_dot(pack_words(a), pack_words(w), int(bits))
            total = total + products * self.valid[:, word, None]
        return np.asarray(total)


def random_tile(rng: np.random.Generator, architecture: Architecture) -> Tile:
    words, width = int(rng.integers(1, 5)), 8 * architecture.lanes
    bits = np.where(rng.random(words) < 0.5, width, rng.integers(1, width + 1, words))
    weights = rng.integers(0, 2, (architecture.columns, words, width))
    for word, count in enumerate(bits):
        weights[:, word, count:] = 0
    return Tile(
        activations=rng.integers(0, 2, (architecture.rows, words, width)),
        weights=weights,
        bits=bits,
        valid=(rng.random((architecture.rows, words)) < 0.8).astype(np.int64),
    )


def number(bits: NDArray[np.int64]) -> int:
    return int.from_bytes(np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(), "little")


@pytest.mark.parametrize(("size", "technology"), [(8, "portable"), (16, "portable"), (8, "ecp5")])
def test_tiles_back_to_back_and_apart(size: int, technology: str) -> None:
    architecture = Architecture(rows=size, columns=size, accumulator_bits=20, xnor=True)
    rng = np.random.default_rng(size)
    tiles = [random_tile(rng, architecture) for _ in range(12)]
    # Which word of which tile is asked for in a cycle; now and then nothing for some cycles.
    cycles: list[tuple[Tile, int, int] | None] = [None] * AHEAD
    expected: dict[int, NDArray[np.int64]] = {}
    for tile in tiles:
        cycles += [None] * int(rng.choice([0, 0, 1, 3, 40]))
        cycles += [(tile, word, slot) for word in range(len(tile.bits)) for slot in range(size)]
        # Row 0's channel 0: C and six cycles behind its last word, which is C cycles back.
        expected[len(cycles) + XnorEngine.LATENCY] = tile.sums()
    cycles += [None] * (3 * size + XnorEngine.LATENCY)

    text = verilog.convert(
        XnorEngine(architecture),
        name="top",
        platform=TECHNOLOGIES[technology](),
        emit_src=False,
    )
    found = {start: np.zeros((size, size), np.int64) for start in expected}
    rest = np.zeros((len(cycles), size), np.int64)
    weight = 0
    sources = text + primitive_verilog(["CCU2C"])
    with VerilatedModel.build(sources, "top", trace=False, optimize=1) as model:
        for cycle, asked in enumerate(cycles):
            packed = int(model.io.result)
            results = [packed >> 20 * row & 0xFFFFF for row in range(size)]
            rest[cycle] = [value - (value >> 19 << 20) for value in results]
            following, ahead = (
                cycles[cycle + n] if cycle + n < len(cycles) else None for n in (1, AHEAD)
            )
            model.io.take = following is not None
            if following is not None:
                model.io.slot = following[2]
            if ahead is not None:
                model.io.bits = int(ahead[0].bits[ahead[1]])
            model.io.weight = weight
            weight = 0
            model.io.word = int.from_bytes(rng.bytes(size), "little")
            if asked is not None:
                tile, word, slot = asked
                model.io.word = number(tile.activations[slot, word])
                model.io.valid = int(tile.valid[slot, word])
                weight = number(tile.weights[slot, word])
            model.io.first = asked is not None and asked[1] == 0
            model.io.last = asked is not None and asked[1] == len(asked[0].bits) - 1
            model.clock.tick()
    for start in expected:
        for row in range(size):
            found[start][row] = rest[start + row : start + row + size, row]
            rest[start + row : start + row + size, row] = 0
    for start, sums in expected.items():
        assert np.array_equal(found[start], sums), f"tile of cycle {start}"
    assert not rest.any(), "a result that is none is not zero"
