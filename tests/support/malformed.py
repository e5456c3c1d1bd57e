"""What can be wrong with a program or its packets, and how the machine must stop on each.

A case takes what a host sends for a good load and run, and spoils it. The same cases go over the
buses under cocotb and through the C++ driver.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import Program
from bitwright.isa import ErrorCode
from bitwright.isa.instructions import (
    EXECUTE_FIELDS,
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    Field,
)
from bitwright.isa.registers import HEADER_FIELDS, HEADER_WORDS

RESIDENT, STREAMED = "RESIDENT", "STREAMED"


@dataclass(frozen=True)
class Stop:
    """The error register."""

    code: ErrorCode
    thread: str
    instruction: int


@dataclass
class Sent:
    """The packets of a load and of a run, each (beats, lanes)."""

    program: Program
    words: NDArray[np.uint32]
    prologue: list[NDArray[np.uint8]]
    body: list[NDArray[np.uint8]]
    """Of all images."""
    images: list[NDArray[np.uint8]]

    @classmethod
    def of(cls, program: Program, x: NDArray[np.int8] | None = None) -> "Sent":
        """What a host should send to load a program and run images."""
        prologue, body = (
            np.split(data, np.cumsum(program.packets(body=of_body))[:-1]) if len(data) else []
            for data, of_body in ((program.prologue, False), (program.body, True))
        )
        images = [] if x is None else [*program.pack_images(x)]
        return cls(program, program.words.copy(), prologue, body * len(images), images)

    @property
    def program_beats(self) -> NDArray[np.uint8]:
        """The program's words, one to a beat."""
        beats = np.zeros((len(self.words), self.program.architecture.lanes), np.uint8)
        beats[:, :4] = self.words.view(np.uint8).reshape(-1, 4)
        return beats

    def header(self, name: str, value: int) -> None:
        """Set a word of the header."""
        self.words[HEADER_FIELDS.index(name)] = value

    def execute(self, n: int, **values: int) -> None:
        """Set fields of an execute instruction."""
        self._set(HEADER_WORDS + n * EXECUTE_WORDS, EXECUTE_FIELDS, values)

    def fetch(self, n: int, **values: int) -> None:
        """Set fields of a fetch instruction."""
        start = HEADER_WORDS + len(self.program.execute) * EXECUTE_WORDS
        self._set(start + n * FETCH_WORDS, FETCH_FIELDS, values)

    def _set(self, start: int, fields: dict[str, Field], values: dict[str, int]) -> None:
        for name, value in values.items():
            field = fields[name]
            mask = ((1 << field.width) - 1) << field.offset
            word = int(self.words[start + field.word]) & ~mask
            self.words[start + field.word] = word | field.encode(name, value)


@dataclass(frozen=True)
class Case:
    """One thing wrong, and where and as what the machine must report it."""

    description: str
    program: str
    spoil: Callable[[Sent], object]
    stop: Stop

    @property
    def name(self) -> str:
        """The description as the name of a test."""
        return re.sub(r"\W+", "_", self.description.replace("-", "minus "))


def _header(name: str, value: int, code: ErrorCode) -> Case:
    spoil = partial(Sent.header, name=name, value=value)
    return Case(f"header {name} {value:#x}", RESIDENT, spoil, Stop(code, "execute", 0))


def _execute(n: int, code: ErrorCode, program: str = RESIDENT, **values: int) -> Case:
    shown = " ".join(f"{name} {value}" for name, value in values.items())
    description = f"{program.lower()} execute {n} {shown}"
    return Case(description, program, lambda s: s.execute(n, **values), Stop(code, "execute", n))


def _fetch(n: int, code: ErrorCode, program: str = RESIDENT, **values: int) -> Case:
    shown = " ".join(f"{name} {value}" for name, value in values.items())
    description = f"{program.lower()} fetch {n} {shown}"
    return Case(description, program, lambda s: s.fetch(n, **values), Stop(code, "fetch", n))


def _packet(
    what: str, n: int, length: int, stop: Stop, program: str = RESIDENT, note: str = ""
) -> Case:
    """Packet n of a list cut to ``length`` beats, or with -``length`` beats added."""

    def spoil(sent: Sent) -> None:
        packets = getattr(sent, what)
        packet = packets[n]
        if length > 0:
            packets[n] = packet[:length]
        else:
            packets[n] = np.concatenate([packet, packet[:1].repeat(-length, axis=0)])

    change = f"cut to {length}" if length > 0 else f"{-length} too long"
    return Case(f"{program.lower()} {what} {n} {change}{note}", program, spoil, stop)


def _program_length(length: int, stage: str) -> Case:
    """The program's packet cut or drawn out to ``length`` words."""

    def spoil(sent: Sent) -> None:
        sent.words = np.resize(sent.words, length)

    stop = Stop(ErrorCode.LENGTH, "execute", 0)
    return Case(f"program packet of {length} words, {stage}", RESIDENT, spoil, stop)


def cases(resident: Program, streamed: Program) -> list[Case]:
    """All cases, for the two programs of `tests.cocotb.small`."""
    architecture = resident.architecture
    bank, lanes, columns = architecture.bank_bytes, architecture.lanes, architecture.columns
    code = ErrorCode
    header_end, execute_end = HEADER_WORDS, HEADER_WORDS + len(resident.execute) * EXECUTE_WORDS
    end = len(resident.words)
    made = [
        *(_header(name, 1, code[name.split("_")[0].upper()]) for name in HEADER_FIELDS[:4]),
        *(_header("execute_count", n, code.LENGTH) for n in (0, 33, 1 << 31)),
        *(_header("execute_count", len(resident.execute) + n, code.LENGTH) for n in (-1, 1)),
        *(_header("fetch_count", n, code.LENGTH) for n in (0, 33, 1 << 31)),
        *(_header("fetch_count", len(resident.fetch) + n, code.LENGTH) for n in (-1, 1)),
        *(_header("prologue_count", n, code.LENGTH) for n in (len(resident.fetch) + 1, 1 << 31)),
        *(_header("credits", n, code.LENGTH) for n in (1 << 16, 1 << 31)),
        *(_program_length(n, "in the header") for n in (1, header_end - 1, header_end)),
        *(_program_length(n, "in execute") for n in (header_end + 1, execute_end - 1, execute_end)),
        *(_program_length(n, "in fetch") for n in (execute_end + 1, end - 1)),
        *(_program_length(n, "too long") for n in (end + 1, end + 40)),
    ]

    # The prologue: weights, then parameters.
    for n, depth in enumerate((architecture.weight_words, architecture.parameter_records)):
        made += [_fetch(n, code.OPCODE, opcode=value) for value in (0, 3, 255)]
        made += [
            _fetch(n, code.LENGTH, count=0),
            _fetch(n, code.ADDRESS, base=depth),
            _fetch(n, code.ADDRESS, base=(1 << 32) - 1),
            _fetch(n, code.ADDRESS, count=depth + 1),
            _fetch(n, code.ADDRESS, count=(1 << 32) - 1, base=(1 << 32) - 1),
            _fetch(n, code.DEADLOCK, acquire=1),
        ]
        stop = Stop(code.LENGTH, "fetch", n)
        beats = resident.packets(body=False)[n]
        made += [_packet("prologue", n, length, stop) for length in (1, beats - 1, -1, -30)]

    # Execute: input, convolution, pool, linear, output; streamed there are more.
    for n in range(5):
        made += [_execute(n, code.OPCODE, opcode=value) for value in (0, 6, 255)]
        made += [_execute(n, code.DEADLOCK, acquire=value) for value in (1, 255)]
    for n in (0, 4):
        size = resident.decoded()[n]["weight_base"] * lanes
        made.append(_execute(n, code.LENGTH, weight_base=0))
        made += [
            _execute(n, code.ADDRESS, in_base=base)
            for base in (-(1 << 24), -1, bank - size + 1, bank, (1 << 24) - 1)
        ]
    for n in (1, 2, 3):
        made += [
            _execute(n, code.LENGTH, **{name: 0})
            for name in (
                *("words", "kernel_x", "kernel_y", "out_width", "out_height", "channel_tiles"),
                "last_columns",
            )
        ]
        made += [_execute(n, code.LENGTH, last_columns=value) for value in (columns + 1, 255)]
        made += [_execute(n, code.OPCODE, rounding=value) for value in (1, 5, 7)]
        made += [_execute(n, code.OPCODE, vector_op=value) for value in (3, 4, 7)]
        made += [_execute(n, code.OPCODE, **{flag: 1}) for flag in ("binary", "signs")]
    made.append(_execute(2, code.LENGTH, words=2))
    # Bytes read and written; of the pool's 5x5 pixels, 4x4 are.
    for n, read, written in ((1, 50, 125), (2, (3 * 5 + 4) * 5, 20), (3, 20, 3)):
        made += [
            _execute(n, code.ADDRESS, **{base: value})
            for base, size in (("in_base", read), ("out_base", written))
            for value in (-(1 << 24), -1, bank - size + 1, bank, (1 << 24) - 1)
        ]
    depth, records = architecture.weight_words, architecture.parameter_records
    made += [_execute(1, code.ADDRESS, weight_base=n) for n in (depth - 7, depth, (1 << 22) - 1)]
    made += [_execute(1, code.ADDRESS, parameter_base=n) for n in (records - 7, records, 65535)]
    made += [_execute(2, code.ADDRESS, parameter_base=n) for n in (records, 65535)]

    # The streamed program: an addition (4) with its residual, and packets while it runs.
    add = streamed.decoded()[4]
    made += [
        _execute(4, code.ADDRESS, STREAMED, residual_base=value)
        for value in (-(1 << 24), -1, bank - 125 + 1, bank, (1 << 24) - 1)
    ]
    made.append(_execute(4, code.ADDRESS, STREAMED, residual_bank=add["in_bank"]))
    for n in (0, 3, 9, 13):
        beats = (streamed.packets(body=True) * 2)[n]
        stop = Stop(code.LENGTH, "fetch", n % len(streamed.fetch))
        made += [_packet("body", n, length, stop, STREAMED) for length in (beats - 1, -1, -9)]
    made += [
        _fetch(4, code.OPCODE, STREAMED, opcode=0),
        _fetch(5, code.ADDRESS, STREAMED, base=records),
        _fetch(5, code.LENGTH, STREAMED, count=0),
    ]
    # A chunk's token too few, each image: the second image has none left to go on with.
    first, second = (Stop(code.DEADLOCK, "execute", n) for n in (3, 2))
    made += [
        Case("fetch 5 releases nothing", STREAMED, lambda s: s.fetch(5, release=0), second),
        Case("fetch 4 takes too much", STREAMED, lambda s: s.fetch(4, acquire=9), first),
        Case("execute 1 releases nothing", STREAMED, lambda s: s.execute(1, release=0), second),
    ]

    def outlived(sent: Sent) -> None:
        sent.header("prologue_count", 1)
        sent.fetch(1, acquire=1)
        sent.body, sent.prologue = [sent.prologue[1]], sent.prologue[:1]

    stop = Stop(code.DEADLOCK, "fetch", 1)
    made.append(Case("fetch waits for an execute thread that is done", RESIDENT, outlived, stop))

    beats, stop = resident.decoded()[0]["weight_base"], Stop(code.LENGTH, "execute", 0)
    made += [_packet("images", 0, length, stop) for length in (1, beats - 1, -1, -20)]
    made.append(_packet("images", 1, beats - 1, stop, note=", in the second image"))
    return made


def powers_of_two(resident: Program) -> list[Case]:
    """Every bit of what is compared, alone: identity and counts of the header, addresses, sizes."""
    architecture, code = resident.architecture, ErrorCode
    made = [
        _header(name, int(resident.words[HEADER_FIELDS.index(name)]) ^ 1 << n, error)
        for name, error in (
            ("magic", code.MAGIC),
            ("version", code.VERSION),
            ("hash_low", code.HASH),
            ("hash_high", code.HASH),
        )
        for n in range(32)
    ]
    made += [
        _header(name, 1 << n, code.LENGTH)
        for name, limit in (
            ("execute_count", architecture.execute_instructions),
            ("fetch_count", architecture.fetch_instructions),
            ("prologue_count", len(resident.fetch)),
            ("credits", (1 << 16) - 1),
        )
        for n in range(32)
        if 1 << n > limit
    ]
    bank, depth, records = (
        architecture.bank_bytes,
        architecture.weight_words,
        architecture.parameter_records,
    )
    for number, limit in enumerate((depth, records)):
        outside = [1 << n for n in range(32) if 1 << n >= limit]
        made += [_fetch(number, code.ADDRESS, base=base) for base in outside]
        made += [_fetch(number, code.ADDRESS, count=count) for count in outside if count > limit]
    outside = [sign * (1 << n) for n in range(24) for sign in (1, -1) if sign < 0 or 1 << n >= bank]
    for number, bases in ((0, ["in_base"]), (1, ["in_base", "out_base"]), (4, ["in_base"])):
        made += [
            _execute(number, code.ADDRESS, **{base: value}) for base in bases for value in outside
        ]
    made += [_execute(4, code.ADDRESS, STREAMED, residual_base=value) for value in outside]
    made += [_execute(1, code.ADDRESS, weight_base=1 << n) for n in range(22) if 1 << n >= depth]
    made += [
        _execute(number, code.ADDRESS, parameter_base=1 << n)
        for number in (1, 2)
        for n in range(16)
        if 1 << n >= records
    ]
    return made
