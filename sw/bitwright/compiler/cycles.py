"""The cycle model: exactly what the hardware's counters show.

Streams are taken to be ready whenever the machine is; what a slow host adds, the hardware counts
as stalls. The model is the recurrence of the two threads: an instruction is issued when its words
are fetched, the engine is ready for it and its tokens are there.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler.program import Program
from bitwright.compiler.work import (
    Fields,
    execute_macs,
    fetch_cycles,
    vector_drain,
    walk_cycles,
)
from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import (
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    ExecuteOpcode,
    decode,
)


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
