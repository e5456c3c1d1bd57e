"""The cycle model: exactly what the hardware's counters show.

Streams are taken to be ready whenever the machine is; what a slow host adds, the hardware counts
as stalls. The model is the recurrence of the two threads: an instruction is issued when its words
are fetched, the engine is ready for it and its tokens are there.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler.program import Program, fetch_beats
from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import (
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    ExecuteOpcode,
    FetchOpcode,
    VectorOp,
    decode,
)

Fields = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a run will count."""

    total: int
    """Cycles of the run, from start to done."""
    stalls: int
    """Cycles the execute thread waits for weights."""
    macs: int
    cycles: NDArray[np.int64]
    """(images, execute instructions): from an instruction's issue, or from the end of the one still
    under way at its issue, to its own end."""
    latency: NDArray[np.int64]
    """(images, execute instructions): from an instruction's issue to its own end."""
    waits: NDArray[np.int64]
    """(images, execute instructions): cycles of `stalls` that an instruction waited."""

    @property
    def instructions(self) -> tuple[int, ...]:
        """Cycles of each execute instruction for the first image."""
        return tuple(int(n) for n in self.cycles[0])


def output_pixels(fields: Fields) -> int:
    """Pixels that an instruction computes, of all images of its batch."""
    return fields["out_width"] * fields["out_height"] * (fields["repeats"] + 1)


def tile_bytes(fields: Fields, tile: int, architecture: Architecture) -> tuple[int, int]:
    """Where a channel tile's bytes begin within a pixel an array instruction writes, and end."""
    columns = architecture.columns
    last = tile == fields["channel_tiles"] - 1
    begin, count = tile * columns, fields["last_columns"] if last else columns
    if fields["signs"]:
        return begin // 8, begin // 8 + -(-count // 8)
    return begin, begin + count


def walk_cycles(fields: Fields, architecture: Architecture) -> int:
    """Requests of a computation's walk; one per cycle, and a vector tile's wait for parameters."""
    pixels = output_pixels(fields)
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    lanes, tiles = architecture.lanes, fields["channel_tiles"]
    if fields["opcode"] == ExecuteOpcode.CONV:
        return tiles * -(-pixels // architecture.rows) * taps * lanes
    if fields["vector_op"] == VectorOp.DEPTHWISE:
        return depthwise_cycles(fields, architecture)
    return tiles * (pixels * taps + lanes + timing.FILL_OVERHEAD)


def depthwise_cycles(fields: Fields, architecture: Architecture) -> int:
    """From the start of a depthwise walk to its last word, or to the last window's that follows."""
    image = fields["words"] * fields["height"]
    pace = max(image, timing.depthwise_pace(architecture))
    last = first_window(fields) + windows_span(fields)
    before = timing.depthwise_lead(architecture) + (fields["channel_tiles"] - 1) * pace
    return before + max(image, last + 1)


def window_cycle(fields: Fields, tile: int, window: int, architecture: Architecture) -> int:
    """From the start of a depthwise walk to the word that completes a channel tile's window.

    A window that ends in the next tile may be later, if that tile waits for its weights.
    """
    y, x = divmod(window, fields["out_width"])
    line = (fields["out_width"] - 1) * fields["kernel_x_step"] + fields["kernel_y_step"]
    pace = max(fields["words"] * fields["height"], timing.depthwise_pace(architecture))
    begins = timing.depthwise_lead(architecture) + tile * pace
    return begins + first_window(fields) + y * line + x * fields["kernel_x_step"]


def first_window(fields: Fields) -> int:
    """Words of a depthwise channel tile before the one that completes its first window."""
    left, top = fields["dilation_y"] & 1, fields["dilation_y"] >> 2 & 1
    return (2 - top) * fields["words"] + 2 - left


def windows_span(fields: Fields) -> int:
    """Words from a depthwise channel tile's first window to its last."""
    line = (fields["out_width"] - 1) * fields["kernel_x_step"]
    return fields["out_height"] * line + (fields["out_height"] - 1) * fields["kernel_y_step"]


def vector_drain(fields: Fields) -> int:
    """From the last request of a walk through the vector lanes to its last byte in memory."""
    lag = timing.DEPTHWISE_LAG if fields["vector_op"] == VectorOp.DEPTHWISE else 0
    return timing.VECTOR_DRAIN + lag


def vector_cycles(fields: Fields, architecture: Architecture) -> int:
    """From the first request of a walk through the vector lanes to its last byte in memory."""
    return walk_cycles(fields, architecture) + vector_drain(fields)


def execute_macs(fields: Fields, architecture: Architecture) -> int:
    """Products an instruction issues to valid rows and columns, K padded to whole words."""
    vector = fields["opcode"] == ExecuteOpcode.VECTOR
    multiplies = vector and fields["vector_op"] in (VectorOp.MAC, VectorOp.DEPTHWISE)
    if fields["opcode"] != ExecuteOpcode.CONV and not multiplies:
        return 0
    width = architecture.lanes if vector else architecture.columns
    channels = (fields["channel_tiles"] - 1) * width + fields["last_columns"]
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    if vector and fields["vector_op"] == VectorOp.DEPTHWISE:
        taps = timing.DEPTHWISE_TAPS
    pixels = output_pixels(fields)
    element = 1 if vector else architecture.lanes * (8 if fields["binary"] else 1)
    return channels * pixels * taps * element


def execute_bytes(fields: Fields, architecture: Architecture) -> int:
    """Bytes of an instruction's weights and parameter records, as they are streamed."""
    if fields["opcode"] not in (ExecuteOpcode.CONV, ExecuteOpcode.VECTOR):
        return 0
    vector, tiles = fields["opcode"] == ExecuteOpcode.VECTOR, fields["channel_tiles"]
    words = fields["kernel_x"] * fields["kernel_y"] * fields["words"] * architecture.lanes
    if vector:
        weighted = {VectorOp.MAC: fields["kernel_x"] * fields["kernel_y"]}
        weighted[VectorOp.DEPTHWISE] = timing.DEPTHWISE_TAPS
        words = weighted.get(VectorOp(fields["vector_op"]), 0)
    width = architecture.lanes if vector else architecture.columns
    records = 1 if fields["uniform"] else tiles * width
    record = max(16, architecture.lanes)
    return tiles * words * architecture.lanes + records * record


def fetch_cycles(fields: Fields, architecture: Architecture) -> int:
    """From a fetch instruction's issue to its end."""
    if fields["opcode"] == FetchOpcode.CODED:
        # A number of the table, then a byte per cycle: longer than its beats.
        decoded = fields["numbers"] + fields["count"] * architecture.lanes
        return decoded + timing.CODED_OVERHEAD
    return fetch_beats(fields, architecture) + timing.FETCH_OVERHEAD


def predict(program: Program, images: int = 1) -> Prediction:
    """Counters of a run of ``images`` images."""
    architecture = program.architecture
    execute = program.decoded()
    body = [decode(FETCH_FIELDS, list(words)) for words in program.fetch[program.prologue_count :]]
    threads = (
        _Thread(execute * images, EXECUTE_WORDS, _ExecuteEngine(architecture), []),
        _Thread(body * images, FETCH_WORDS, _FetchEngine(architecture), [0] * program.credits),
    )
    _run(threads)
    end = max((done for thread in threads for done in thread.done), default=0)
    issues, done = np.array(threads[0].issued), np.array(threads[0].done)
    # The machine's clock of an instruction starts anew at the end of the one before.
    begins = np.maximum(issues, np.concatenate([[0], done[:-1]])) if images else issues
    return Prediction(
        total=end + timing.RUN_OVERHEAD,
        stalls=sum(threads[0].waits),
        macs=images * sum(execute_macs(fields, architecture) for fields in execute),
        cycles=(done - begins).reshape(images, len(execute)),
        latency=(done - issues).reshape(images, len(execute)),
        waits=np.array(threads[0].waits, np.int64).reshape(images, len(execute)),
    )


class _ExecuteEngine:
    """When the execute engine takes an instruction, and when its work has landed."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.drain = timing.array_drain(architecture)
        self.opcode = 0
        self.walk_ends = 0
        self.settled = 0
        """First cycle in which the newest instruction lets another follow while it drains."""
        self.landed = -1

    def ready(self, fields: Fields) -> int:
        """First cycle in which an instruction may be issued."""
        if self.opcode == fields["opcode"] == ExecuteOpcode.CONV:
            return max(self.walk_ends, self.settled)
        return self.landed + 1

    def done(self, issue: int, fields: Fields) -> int:
        """Cycle in which an instruction issued in cycle ``issue`` has landed."""
        opcode = self.opcode = fields["opcode"]
        if opcode == ExecuteOpcode.NOP:
            self.landed = issue + timing.NOP_CYCLES
        elif opcode == ExecuteOpcode.IN:
            self.landed = issue + fields["weight_base"] + timing.IN_OVERHEAD
        elif opcode == ExecuteOpcode.OUT:
            self.landed = issue + fields["weight_base"] + timing.OUT_OVERHEAD
        else:
            array = opcode == ExecuteOpcode.CONV
            start = issue + timing.ISSUE_START
            if array:
                start = max(start, self.walk_ends + timing.WALK_START + fields["wait"])
            walk = walk_cycles(fields, self.architecture)
            self.walk_ends = start + timing.WALK_LATENCY + walk - 1
            self.settled = start + timing.array_settled(self.architecture)
            self.landed = self.walk_ends + (self.drain if array else vector_drain(fields))
        return self.landed


class _FetchEngine:
    """The same of the fetch engine, which takes one instruction at a time."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.landed = -1

    def ready(self, fields: Fields) -> int:
        """First cycle in which an instruction may be issued."""
        return self.landed + 1

    def done(self, issue: int, fields: Fields) -> int:
        """Cycle in which an instruction issued in cycle ``issue`` is done."""
        self.landed = issue + fetch_cycles(fields, self.architecture)
        return self.landed


@dataclass(slots=True)
class _Thread:
    """One thread's place in the recurrence; times are cycles since the run's start."""

    instructions: list[Fields]
    words: int
    engine: _ExecuteEngine | _FetchEngine
    tokens: list[int]
    """The cycle in which each token becomes available."""
    issued: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    taken: int = 0
    waits: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.issued) == len(self.instructions)

    def step(self) -> int | None:
        """Issue the next instruction; the tokens it releases, or None where some are missing."""
        fields = self.instructions[len(self.issued)]
        needed = self.taken + fields["acquire"]
        if needed > len(self.tokens):
            return None
        start = self.issued[-1] + timing.FETCH_AHEAD if self.issued else timing.FETCH_START
        ready = max(start + self.words, self.engine.ready(fields))
        # Instructions end in their order, so the last token needed is the last to come.
        arrived = self.tokens[needed - 1] if fields["acquire"] else 0
        issue = max(ready, arrived)
        self.waits.append(issue - ready)
        self.taken = needed
        self.issued.append(issue)
        self.done.append(self.engine.done(issue, fields))
        return fields["release"]


def _run(threads: tuple[_Thread, _Thread]) -> None:
    while not all(thread.finished for thread in threads):
        progressed = False
        for thread, other in (threads, threads[::-1]):
            while not thread.finished and (released := thread.step()) is not None:
                other.tokens.extend([thread.done[-1] + 1] * released)
                progressed = True
        if not progressed:
            raise ValueError("the program deadlocks: a token is never released")
