"""The cycle model: exactly what the hardware's counters show.

Streams are taken to be ready whenever the machine is; what a slow host adds, the hardware counts
as stalls. The model is the recurrence of the two threads: an instruction is issued when its words
are fetched, the engine is free and its tokens are there.
"""

from dataclasses import dataclass

from bitwright.compiler.program import Program
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a run will count."""

    total: int
    """Cycles of the run, from start to done."""
    stalls: int
    """Cycles the execute thread waits for weights."""
    macs: int
    instructions: tuple[int, ...]
    """Cycles of each execute instruction, in each of the images the same."""


def execute_cycles(fields: dict[str, int], architecture: Architecture) -> int:
    """Duration of one execute instruction, from its issue to its end."""
    opcode = fields["opcode"]
    if opcode == ExecuteOpcode.NOP:
        return timing.NOP_CYCLES
    if opcode == ExecuteOpcode.IN:
        return fields["weight_base"] + timing.IN_OVERHEAD
    if opcode == ExecuteOpcode.OUT:
        return fields["weight_base"] + timing.OUT_OVERHEAD
    pixels = fields["out_width"] * fields["out_height"]
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    lanes, tiles = architecture.lanes, fields["channel_tiles"]
    if opcode == ExecuteOpcode.CONV:
        pixel_tiles = -(-pixels // architecture.rows)
        walk = tiles * pixel_tiles * taps * lanes
        return walk + timing.array_drain(architecture) + timing.COMPUTE_OVERHEAD
    fill = lanes + timing.FILL_OVERHEAD
    walk = tiles * (pixels * taps + fill)
    return walk + timing.VECTOR_DRAIN + timing.COMPUTE_OVERHEAD


def execute_macs(fields: dict[str, int], architecture: Architecture) -> int:
    """Products an instruction issues to valid rows and columns, K padded to whole words."""
    vector = fields["opcode"] == ExecuteOpcode.VECTOR
    if fields["opcode"] != ExecuteOpcode.CONV and not (
        vector and fields["vector_op"] == VectorOp.MAC
    ):
        return 0
    width = architecture.lanes if vector else architecture.columns
    channels = (fields["channel_tiles"] - 1) * width + fields["last_columns"]
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    pixels = fields["out_width"] * fields["out_height"]
    return channels * pixels * taps * (1 if vector else architecture.lanes)


def predict(program: Program, images: int = 1) -> Prediction:
    """Counters of a run of ``images`` images."""
    architecture = program.architecture
    execute = program.decoded()
    durations = tuple(execute_cycles(fields, architecture) for fields in execute)
    body = program.fetch[program.prologue_count :]
    fetch = [decode(FETCH_FIELDS, list(words)) for words in body]
    total, stalls = _run(execute, durations, fetch, architecture, program.credits, images)
    return Prediction(
        total=total,
        stalls=stalls,
        macs=images * sum(execute_macs(fields, architecture) for fields in execute),
        instructions=durations,
    )


@dataclass(slots=True)
class _Thread:
    """One thread's place in the recurrence; times are cycles since the run's start."""

    words: int
    free: int = 0
    """First cycle in which the engine is free."""
    fetched: int = 0
    """First cycle in which the next instruction is ready."""
    position: int = 0
    stalls: int = 0


def _run(
    execute: list[dict[str, int]],
    durations: tuple[int, ...],
    fetch: list[dict[str, int]],
    architecture: Architecture,
    credits: int,
    images: int,
) -> tuple[int, int]:
    if images == 0:
        return timing.RUN_OVERHEAD, 0
    threads = (_Thread(EXECUTE_WORDS), _Thread(FETCH_WORDS))
    for thread in threads:
        thread.fetched = timing.FETCH_START + thread.words
    programs = (execute, fetch)
    lengths = (len(execute) * images, len(fetch) * images)
    # Tokens as the cycles in which each becomes available.
    tokens: tuple[list[int], list[int]] = ([], [0] * credits)
    taken = [0, 0]
    end = 0
    while any(t.position < n for t, n in zip(threads, lengths, strict=True)):
        progressed = False
        for which, thread in enumerate(threads):
            while thread.position < lengths[which]:
                fields = programs[which][thread.position % len(programs[which])]
                needed = taken[which] + fields["acquire"]
                if needed > len(tokens[which]):
                    break
                ready = max(thread.free, thread.fetched)
                arrived = max(tokens[which][:needed], default=0) if fields["acquire"] else 0
                issue = max(ready, arrived)
                thread.stalls += issue - ready
                taken[which] = needed
                length = (
                    durations[thread.position % len(durations)]
                    if which == 0
                    else _fetch_cycles(fields, architecture)
                )
                done = issue + length
                thread.free = done + 1
                thread.fetched = issue + thread.words + timing.FETCH_AHEAD
                tokens[1 - which].extend([done + 1] * fields["release"])
                thread.position += 1
                end = max(end, done)
                progressed = True
        if not progressed:
            raise ValueError("the program deadlocks: a token is never released")
    return end + timing.RUN_OVERHEAD, threads[0].stalls


def _fetch_cycles(fields: dict[str, int], architecture: Architecture) -> int:
    beats = fields["count"]
    if fields["opcode"] == FetchOpcode.PARAMETERS:
        beats *= architecture.record_beats
    return beats + timing.FETCH_OVERHEAD
