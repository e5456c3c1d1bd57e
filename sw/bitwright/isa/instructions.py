"""The instruction layout both threads of the sequencer decode, and the compiler encodes.

Execute instructions are 17 words of 32 bits, fetch instructions 4. A field is (word, first bit,
width, signed); the two tables below are the only place that knows it.
"""

from dataclasses import dataclass
from enum import IntEnum

EXECUTE_WORDS = 17
FETCH_WORDS = 4
INVERT_BIT = 6
"""Of a parameter record's shift word: the channel's bit of a CONV with ``signs`` is inverted."""


class ExecuteOpcode(IntEnum):
    """What the execute thread does."""

    NOP = 1
    """Acquire and release tokens, nothing else."""
    IN = 2
    """Stream words from the host into an activation bank."""
    OUT = 3
    """Stream words of an activation bank to the host."""
    CONV = 4
    """A convolution or matrix product on the array."""
    VECTOR = 5
    """A windowed operation on the lanes: pooling, depthwise convolution, addition."""


class FetchOpcode(IntEnum):
    """What the fetch thread does."""

    WEIGHTS = 1
    """Stream words into the weight buffer."""
    PARAMETERS = 2
    """Stream records into the parameter buffer."""
    CODED = 3
    """Stream words under a Huffman code into the weight buffer."""


class VectorOp(IntEnum):
    """What a lane does with the elements of its window."""

    MAX = 0
    SUM = 1
    MAC = 2
    DEPTHWISE = 3
    """Nine products at once, in the depthwise engine."""
    OR = 4
    """Of bytes, bit by bit: the maximum of binary codes."""


class RoundingCode(IntEnum):
    """The encoding of a requantisation rounding."""

    half_up = 0
    half_even = 1
    half_away = 2
    floor = 3
    trunc = 4


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field lies in its instruction."""

    word: int
    offset: int
    width: int
    signed: bool = False

    def encode(self, name: str, value: int) -> int:
        """The field's bits in place; a value that does not fit is an error."""
        low = -(1 << (self.width - 1)) if self.signed else 0
        high = (1 << (self.width - self.signed)) - 1
        if not low <= value <= high:
            raise ValueError(f"instruction field {name} takes {low}..{high}, got {value}")
        return (value & ((1 << self.width) - 1)) << self.offset


EXECUTE_FIELDS: dict[str, Field] = {
    "opcode": Field(0, 0, 8),
    "acquire": Field(0, 8, 8),
    "release": Field(0, 16, 8),
    "rounding": Field(0, 24, 3),
    "residual": Field(0, 27, 1),
    "uniform": Field(0, 28, 1),
    "vector_op": Field(0, 29, 3),
    "pad": Field(1, 0, 8, True),
    "zero_point": Field(1, 8, 8, True),
    "low": Field(1, 16, 8, True),
    "high": Field(1, 24, 8, True),
    "in_base": Field(2, 0, 25, True),
    "in_bank": Field(2, 31, 1),
    "out_base": Field(3, 0, 25, True),
    "signs": Field(3, 30, 1),
    "out_bank": Field(3, 31, 1),
    "residual_base": Field(4, 0, 25, True),
    "residual_bank": Field(4, 31, 1),
    "words": Field(5, 0, 16),
    "kernel_x": Field(5, 16, 8),
    "kernel_y": Field(5, 24, 8),
    "kernel_x_step": Field(6, 0, 16),
    "pixel_step": Field(6, 16, 16),
    "kernel_y_step": Field(7, 0, 24),
    "dilation_y": Field(7, 24, 8),
    "line_step": Field(8, 0, 24),
    "stride_y": Field(8, 24, 8),
    "x_start": Field(9, 0, 24, True),
    "y_start": Field(9, 24, 8, True),
    "line_bytes": Field(10, 0, 24),
    "last_columns": Field(10, 24, 8),
    "height": Field(11, 0, 16),
    "channel_tiles": Field(11, 16, 16),
    "out_width": Field(12, 0, 16),
    "out_height": Field(12, 16, 16),
    "weight_base": Field(13, 0, 22),
    "last_bits": Field(13, 22, 9),
    "binary": Field(13, 31, 1),
    "parameter_base": Field(14, 0, 16),
    "out_pitch": Field(14, 16, 16),
    "residual_pitch": Field(15, 0, 16),
    "residual_zero_point": Field(15, 16, 8, True),
    "wait": Field(15, 24, 8),
    "repeats": Field(16, 0, 8),
    "image_step": Field(16, 8, 24),
}
"""IN and OUT take their address from ``in_base`` and their number of words from ``weight_base``.

``wait`` is, of a CONV behind a CONV, the number of cycles from the earlier walk's end to this one's
start.

A ``binary`` CONV runs on the XNOR engine. Pixels are bytes of eight channels, but parameters,
``channel_tiles`` and ``last_columns`` count channels as ever; ``last_bits`` is how many bits of a
kernel segment's last word are channels. With ``signs`` the result is a bit per channel, packed
likewise: whether the sum with its bias is not negative, inverted where the record's `INVERT_BIT`
says so; then ``zero_point`` is 1, ``low`` 0, ``high`` 1, the multiplier 1, the shift 0.

``repeats`` images, each ``image_step`` bytes behind the one before, follow the first; their pixels
are computed like more pixels of one image. DEPTHWISE takes one image.

DEPTHWISE reads every pixel of its input once, so its loops are those of a 1 x 1 kernel, but over
``words`` pixels by ``height`` lines; ``out_width`` by ``out_height`` are its windows. The window
after one in the same line ends ``kernel_x_step`` words further on, the first of the next line
``kernel_y_step`` words after a line's last. Bits 0 to 3 of ``dilation_y`` tell that windows reach
one pixel over the left, right, top, bottom edge.
"""

FETCH_FIELDS: dict[str, Field] = {
    "opcode": Field(0, 0, 8),
    "acquire": Field(0, 8, 8),
    "release": Field(0, 16, 8),
    "base": Field(1, 0, 32),
    "count": Field(2, 0, 32),
    "numbers": Field(3, 0, 9),
    "beats": Field(3, 9, 23),
}
"""CODED's packet has ``beats`` beats: first those of the code's table, ``numbers`` numbers of 16
bits (`HuffmanCode.table`), then those of the codes of ``count`` words' bytes.
"""


def encode(fields: dict[str, Field], words: int, values: dict[str, int]) -> list[int]:
    """An instruction's words from named values; fields not named are zero."""
    encoded = [0] * words
    for name, value in values.items():
        field = fields[name]
        encoded[field.word] |= field.encode(name, int(value))
    return encoded


def decode(fields: dict[str, Field], words: list[int]) -> dict[str, int]:
    """The inverse of `encode`: every field by name."""
    values = {}
    for name, field in fields.items():
        value = (words[field.word] >> field.offset) & ((1 << field.width) - 1)
        if field.signed and value >> (field.width - 1):
            value -= 1 << field.width
        values[name] = value
    return values


def encode_execute(**values: int) -> list[int]:
    """Encode one execute instruction."""
    return encode(EXECUTE_FIELDS, EXECUTE_WORDS, values)


def encode_fetch(**values: int) -> list[int]:
    """Encode one fetch instruction."""
    return encode(FETCH_FIELDS, FETCH_WORDS, values)
