"""A small machine behind the C++ driver: what a host does with a program, good or spoilt."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.support.malformed import Sent, Stop

from bitwright.compiler import Program
from bitwright.compiler.work import walk_cycles
from bitwright.isa import Architecture
from bitwright.isa.instructions import (
    EXECUTE_FIELDS,
    EXECUTE_WORDS,
    FETCH_FIELDS,
    FETCH_WORDS,
    ExecuteOpcode,
    FetchOpcode,
    decode,
)
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_LOAD,
    CONTROL_RESET,
    CONTROL_RUN,
    HEADER_FIELDS,
    HEADER_WORDS,
    STATUS_BUSY,
    STATUS_DONE,
    STATUS_ERROR,
    STATUS_LOADED,
)
from bitwright.rtl.assertions import PROGRAM
from bitwright.sim.driver import Driver, Stream
from bitwright.sim.model import SimulationError

INTERRUPTS = 1 << CONTROL_IRQ_DONE | 1 << CONTROL_IRQ_ERROR
STREAMS: tuple[Stream, Stream] = ("weights", "inputs")
IMAGES = 2
OVERHEAD = 80
"""Cycles an instruction may take beside its work: to be fetched, checked, drained, and to stop."""
LONG = 50_000
"""Cycles after which a run that may take longer is given up."""
FILLER = 512
"""Packets of a beat for a machine that asks for more than was sent."""


class Machine(Driver):
    """A driver with the steps of a session.

    No step may hang. The machine ends in as many cycles as its instructions take, unless it waits
    for the host; then packets of one beat must make it end.
    """

    def __init__(self, library: Path, architecture: Architecture) -> None:
        super().__init__(library, architecture)
        self.lanes = architecture.lanes
        self.sink = np.zeros((1 << 14, self.lanes), np.uint8)
        self.patience = 1

    def pause(self, seed: int, weights: float = 0, inputs: float = 0, outputs: float = 0) -> None:
        """As the driver's; a host that pauses must wait longer."""
        super().pause(seed, weights, inputs, outputs)
        self.patience = 10 if weights or inputs or outputs else 1

    def begin_load(self, sent: Sent) -> None:
        """Ask for a load, with all its packets queued."""
        self._queue("weights", [sent.program_beats, *sent.prologue])
        self.write("control", INTERRUPTS | 1 << CONTROL_LOAD)

    def load(self, sent: Sent) -> Stop | None:
        """Load; how the machine stopped, None if it has loaded."""
        self.begin_load(sent)
        limit = load_limit(sent) * self.patience
        for _ in range(2):
            if self.run(limit):
                return self.stopped()
            if self.read("status") >> STATUS_LOADED & 1:
                assert self.read("status") == 1 << STATUS_LOADED
                return None
            self._feed()
        raise AssertionError("neither loaded nor stopped: a hang")

    def begin_run(self, sent: Sent, images: int = IMAGES) -> None:
        """Ask for a run, with all the packets there are queued."""
        self.receive(self.sink)
        self._queue("inputs", sent.images)
        self._queue("weights", sent.body)
        self.write("images", images)
        self.write("control", INTERRUPTS | 1 << CONTROL_RUN)

    def execute(self, sent: Sent) -> Stop | None:
        """Run the images; how the machine stopped, None if it is done, or at work for `LONG`."""
        self.begin_run(sent)
        limit = run_limit(sent) * self.patience
        for _ in range(2):
            if self.run(min(limit, LONG)):
                return self.stopped()
            if limit > LONG:
                assert self.read("status") == 1 << STATUS_LOADED | 1 << STATUS_BUSY
                return None
            self._feed()
        raise AssertionError("neither done nor stopped: a hang")

    def stopped(self) -> Stop | None:
        """How the machine stopped, None if it is done; it must be the one or the other."""
        error, status = self.error(), self.read("status")
        assert not status >> STATUS_BUSY & 1
        assert status >> STATUS_DONE & 1 == (error is None)
        assert status >> STATUS_ERROR & 1 == (error is not None)
        return error and Stop(error.code, error.thread, error.instruction)

    def recover(self) -> None:
        """Reset by register, a stopped machine after it has dropped what is queued."""
        if self.error():
            for _ in range(100):
                self.tick(100)
                if not any(self.left(stream) for stream in STREAMS):
                    break
            else:
                raise AssertionError("a stopped machine does not drain its streams")
        self.forget()
        self.write("control", 1 << CONTROL_RESET)
        assert self.read("status") == 0
        assert self.error() is None

    def check(self, program: Program, x: NDArray[np.int8]) -> None:
        """Load a good program, run it, and compare with the reference."""
        sent = Sent.of(program, x)
        assert self.load(sent) is None
        assert self.execute(sent) is None
        for _ in range(50 * self.patience):  # the last beats may still wait at the machine's border
            if self.received == IMAGES * program.output_beats:
                break
            self.tick()
        assert self.received == IMAGES * program.output_beats
        data = self.sink[: self.received].reshape(IMAGES, -1)
        plan = program.output_plan
        plan = replace(plan, region=replace(plan.region, base=0))
        assert (program.unpack_region(plan, data) == program.network.run(x)).all()
        self.write("status", 1 << STATUS_DONE)

    def _queue(self, stream: Stream, packets: list[NDArray[np.uint8]]) -> None:
        data = np.concatenate([np.zeros((0, self.lanes), np.uint8), *packets])
        self.queue(stream, data, [len(packet) for packet in packets])

    def _feed(self) -> None:
        """Go on with short packets where nothing is queued."""
        waiting = [stream for stream in STREAMS if not self.left(stream)]
        assert waiting, "beats are offered and nothing happens: a hang"
        for stream in waiting:
            self._queue(stream, [np.zeros((1, self.lanes), np.uint8)] * FILLER)


def load_limit(sent: Sent) -> int:
    """Cycles within which a load ends: a beat each, and the instructions of the prologue."""
    beats = len(sent.words) + sum(len(packet) for packet in sent.prologue)
    architecture = sent.program.architecture
    # Coded weights are decoded a byte per cycle.
    decoded = architecture.huffman * architecture.weight_words * architecture.lanes
    most = architecture.fetch_instructions
    return beats + OVERHEAD * (1 + most) + decoded * len(sent.prologue)


def run_limit(sent: Sent) -> int:
    """Cycles within which a run ends, from the instructions as they are sent.

    What an instruction transfers is bounded by the buffers: beyond their ends it is stopped.
    """
    architecture = sent.program.architecture
    words = [int(word) for word in sent.words]
    execute_end = HEADER_WORDS + EXECUTE_WORDS * words[HEADER_FIELDS.index("execute_count")]
    total = 0
    for start in range(HEADER_WORDS, execute_end, EXECUTE_WORDS):
        fields = decode(EXECUTE_FIELDS, words[start : start + EXECUTE_WORDS])
        if fields["opcode"] in (ExecuteOpcode.IN, ExecuteOpcode.OUT):
            total += min(fields["weight_base"], architecture.activation_words)
        elif fields["opcode"] in (ExecuteOpcode.CONV, ExecuteOpcode.VECTOR):
            total += fields["wait"] + walk_cycles(fields, architecture)
        total += OVERHEAD
    most = max(
        architecture.weight_words, architecture.parameter_records * architecture.record_beats
    )
    for start in range(execute_end, len(words), FETCH_WORDS):
        fields = decode(FETCH_FIELDS, words[start : start + FETCH_WORDS])
        total += min(fields["count"] * architecture.record_beats, most) + OVERHEAD
        if fields["opcode"] == FetchOpcode.CODED:
            total += architecture.weight_words * architecture.lanes
    return total * IMAGES


def check_ends_or_stops(
    library: Path,
    architecture: Architecture,
    sent: Sent,
    seed: int,
    check_still_works: Callable[[Machine], None],
) -> None:
    """A damaged program ends or stops; without breaking an assertion but its own.

    After an assertion a model is of no use: hence a machine of its own.
    """
    with Machine(library, architecture) as machine:
        try:
            print(f"seed {seed}: {machine.load(sent) or machine.execute(sent)}")
        except SimulationError as error:
            if PROGRAM not in str(error):
                raise
            print(f"seed {seed}: {error}")
        else:
            check_still_works(machine)
