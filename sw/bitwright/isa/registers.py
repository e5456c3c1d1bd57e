"""The AXI4-Lite register map, the error codes, and the program header the hardware checks."""

from dataclasses import dataclass
from enum import IntEnum

MAGIC = 0x54525742
"""The bytes ``BWRT``: first word of a program stream and value of the identity register."""
VERSION = 4
"""Of instruction set, header and register map together."""

HEADER_WORDS = 8
HEADER_FIELDS = (
    "magic",
    "version",
    "hash_low",
    "hash_high",
    "execute_count",
    "fetch_count",
    "prologue_count",
    "credits",
)
"""One word each; prologue_count of the fetch instructions run once, when the program is loaded."""


class ErrorCode(IntEnum):
    """Why the machine stopped."""

    NONE = 0
    MAGIC = 1
    """The program does not begin with the magic word."""
    VERSION = 2
    """The program is of another version."""
    HASH = 3
    """The program was compiled for another architecture."""
    LENGTH = 4
    """A count is zero or too large, or a packet ends early or late."""
    OPCODE = 5
    """An instruction's opcode or option is not known to this hardware."""
    ADDRESS = 6
    """An access outside a buffer."""
    DEADLOCK = 7
    """A thread waits for a token nobody can release."""
    STATE = 8
    """A run was asked for without a program."""
    CODE = 9
    """Coded weights are not what their table says."""


@dataclass(frozen=True, slots=True)
class Register:
    """A 32-bit register."""

    address: int
    access: str
    """``r`` or ``rw``."""
    description: str


REGISTERS: dict[str, Register] = {
    "identity": Register(0x00, "r", "The magic word BWRT"),
    "version": Register(0x04, "r", "Version of the instruction set"),
    "hash_low": Register(0x08, "r", "Architecture hash, low word"),
    "hash_high": Register(0x0C, "r", "Architecture hash, high word"),
    "control": Register(
        0x10,
        "rw",
        "Write 1 to bit 0 to load a program, bit 1 to run, bit 2 to reset; bits 8 and 9 enable"
        " the interrupt on done and on error; reads back the enables",
    ),
    "status": Register(
        0x14,
        "rw",
        "Bit 0 busy, bit 1 program loaded, bit 2 done, bit 3 error; write 1 to bit 2 to clear done",
    ),
    "error": Register(
        0x18, "r", "Error code in bits 0..7, thread in bit 8 (1 fetch), its instruction in 16..31"
    ),
    "images": Register(0x1C, "rw", "How often a run repeats the program's body"),
    "cycles_low": Register(0x20, "r", "Cycles of the last run, low word"),
    "cycles_high": Register(0x24, "r", "Cycles of the last run, high word"),
    "stalls_low": Register(0x28, "r", "Cycles the execute thread waited for tokens or streams"),
    "stalls_high": Register(0x2C, "r", "The same, high word"),
    "macs_low": Register(
        0x30, "r", "Multiply-accumulates issued to valid rows and columns, low word"
    ),
    "macs_high": Register(0x34, "r", "The same, high word"),
    "images_done": Register(0x38, "r", "Bodies completed in the last run"),
}

PROFILE_BASE = 0x10000
"""Word n of the profile window: cycles of execute instruction n in its last execution."""

CONTROL_LOAD, CONTROL_RUN, CONTROL_RESET = 0, 1, 2
CONTROL_IRQ_DONE, CONTROL_IRQ_ERROR = 8, 9
STATUS_BUSY, STATUS_LOADED, STATUS_DONE, STATUS_ERROR = 0, 1, 2, 3
