"""The accelerator's memories, and the blocks they take on an ECP5.

A DP16KD holds 16 kbit as 512 words of 36 bits up to 16384 of one. yosys takes what costs least, by
its weights of blocks and of the selection between rows of them; where those are cheaper, cells of
sixteen words of four bits in LUTs.
"""

from dataclasses import dataclass

from bitwright.isa import Architecture
from bitwright.isa.instructions import EXECUTE_WORDS, FETCH_WORDS
from bitwright.rtl.codetable import SYMBOL_BITS, SYMBOLS

_MODES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words of a DP16KD and their bits."""
_BLOCK_COST, _CELL_COST, _SELECTION_COST = 128, 4, 0.5
"""What yosys weighs a DP16KD, a TRELLIS_DPR16X4 and a bit of one more row of either with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryShape:
    """Equal memories of one read and one write port."""

    name: str
    count: int
    depth: int
    """Words."""
    width: int
    """Bits of a word."""
    used: tuple[tuple[int, int], ...]
    """First bit and number of bits of each part of a word that anything reads."""

    @property
    def cells(self) -> int:
        """TRELLIS_DPR16X4 of one memory, were it made of them."""
        return self._rows * self._chunks(4)

    @property
    def blocks(self) -> int:
        """DP16KD of one memory, were it made of them."""
        deep, wide = self._mode
        return -(-self.depth // deep) * self._chunks(wide)

    @property
    def in_luts(self) -> bool:
        """Whether yosys makes it of LUTs; it weighs before it drops what nothing reads."""
        cells = self._rows * -(-self.width // 4)
        selection = _SELECTION_COST * (self._rows - 1) * self.width
        return cells * _CELL_COST + selection < self._cost_of_blocks(self._mode)

    @property
    def _rows(self) -> int:
        return -(-self.depth // 16)

    @property
    def _mode(self) -> tuple[int, int]:
        return min(_MODES, key=self._cost_of_blocks)

    def _cost_of_blocks(self, mode: tuple[int, int]) -> float:
        deep, wide = mode
        rows = -(-self.depth // deep)
        selection = _SELECTION_COST * (rows - 1) * self.width
        return rows * -(-self.width // wide) * _BLOCK_COST + selection

    def _chunks(self, width: int) -> int:
        used = {bit // width for first, bits in self.used for bit in range(first, first + bits)}
        return len(used)


def memory_shapes(architecture: Architecture) -> tuple[MemoryShape, ...]:
    """Return the accelerator's buffers."""
    lanes = architecture.lanes
    # A record is four words of 32 bits: bias, multiplier, residual multiplier, shift.
    record = (
        (0, 32),
        (32, architecture.multiplier_bits),
        (64, architecture.residual_bits),
        (96, 6 + architecture.xnor),  # whether a channel's bit is inverted
    )
    shapes: tuple[tuple[str, int, int, int, tuple[tuple[int, int], ...]], ...] = (
        ("activations", 2 * lanes, architecture.activation_words, 8, ((0, 8),)),
        ("weights", 1, architecture.weight_words, 8 * lanes, ((0, 8 * lanes),)),
        ("parameters", 1, architecture.parameter_records, 128, record),
        ("execute", 1, EXECUTE_WORDS * architecture.execute_instructions, 32, ((0, 32),)),
        ("fetch", 1, FETCH_WORDS * architecture.fetch_instructions, 32, ((0, 32),)),
        ("profile", 1, architecture.execute_instructions, 32, ((0, 32),)),
    )
    if architecture.line_words:
        lines = 16 * lanes  # the last two lines' words of the depthwise engine
        shapes += (("lines", 1, architecture.line_words, lines, ((0, lines),)),)
    if architecture.huffman:
        shapes += (("symbols", 1, SYMBOLS, SYMBOL_BITS, ((0, SYMBOL_BITS),)),)
    return tuple(
        MemoryShape(name=name, count=count, depth=depth, width=width, used=used)
        for name, count, depth, width, used in shapes
    )


def count_blocks(architecture: Architecture) -> int:
    """Return the DP16KD that the accelerator's memories take."""
    return sum(
        shape.count * shape.blocks for shape in memory_shapes(architecture) if not shape.in_luts
    )


def count_cells(architecture: Architecture) -> int:
    """Return the TRELLIS_DPR16X4 that its small memories take."""
    return sum(shape.count * shape.cells for shape in memory_shapes(architecture) if shape.in_luts)
