"""The machine behind the registers: loads a program, runs both threads, stops on an error."""

from dataclasses import dataclass

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    Mux,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import EXECUTE_WORDS, FETCH_WORDS
from bitwright.rtl.beat import Beat
from bitwright.rtl.buffers import WideBuffer
from bitwright.rtl.control import CoreControl
from bitwright.rtl.counters import counters
from bitwright.rtl.execute import ExecuteEngine
from bitwright.rtl.fetch import FetchEngine
from bitwright.rtl.loader import Loader
from bitwright.rtl.thread import Thread
from bitwright.rtl.trace import Trace


class Core(wiring.Component):
    """Execute and fetch thread with their engines, and the state that starts and stops them.

    Loading: the `Loader` takes the program, then the fetch thread runs the prologue. Running: both
    threads run the body ``images`` times; the run is done when both have finished. On an error
    everything but the error's record is held in reset until a soft reset, and both input streams
    are taken and dropped, so that nothing of the failed program is left to begin the next. A wait
    that no running instruction can end is an error too: the machine never hangs on a program.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        beats = stream.Signature(Beat(architecture.lanes))
        super().__init__(
            {
                "control": In(CoreControl()),
                "weights": In(beats),
                "inputs": In(beats),
                "outputs": Out(beats),
                "trace": Out(Trace(architecture.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        architecture, control = self._architecture, self.control
        halted, halt = Signal(), Signal()
        stopping = self._stopping(m, halt | halted)
        m.submodules.loader = loader = stopping(Loader(architecture))
        execute_thread = Thread(EXECUTE_WORDS, architecture.execute_instructions)
        fetch_thread = Thread(FETCH_WORDS, architecture.fetch_instructions)
        m.submodules.execute_thread = execute_thread = stopping(execute_thread)
        m.submodules.fetch_thread = fetch_thread = stopping(fetch_thread)
        m.submodules.execute = execute = stopping(ExecuteEngine(architecture))
        m.submodules.fetch = fetch = stopping(FetchEngine(architecture))

        self._memories(m, loader, execute_thread, fetch_thread, execute, fetch)
        for thread, engine, other in (
            (execute_thread, execute, fetch_thread),
            (fetch_thread, fetch, execute_thread),
        ):
            m.d.comb += [
                engine.instruction.eq(thread.instruction),
                engine.issue.eq(thread.issue),
                thread.done.eq(engine.done),
                thread.tokens_valid.eq(other.done),
                thread.tokens_in.eq(other.release),
            ]
        m.d.comb += [
            execute.next_opcode.eq(execute_thread.next_opcode),
            execute.in_flight.eq(execute_thread.in_flight),
            execute_thread.ready.eq(execute.ready),
            fetch_thread.ready.eq(fetch_thread.in_flight == 0),
            execute.inputs.payload.eq(self.inputs.payload),
            execute.inputs.valid.eq(self.inputs.valid),
            self.inputs.ready.eq(halted | execute.inputs.ready),
        ]
        wiring.connect(m, execute.outputs, wiring.flipped(self.outputs))

        start, prologue = Signal(), Signal()
        m.d.comb += [
            execute_thread.start.eq(start & ~prologue),
            execute_thread.end.eq(loader.execute_count),
            execute_thread.repeats.eq(control.images),
            fetch_thread.start.eq(start),
            fetch_thread.begin.eq(Mux(prologue, 0, loader.prologue_count)),
            fetch_thread.end.eq(Mux(prologue, loader.prologue_count, loader.fetch_count)),
            fetch_thread.repeats.eq(Mux(prologue, 1, control.images)),
            execute_thread.tokens_load.eq(start),
            fetch_thread.tokens_load.eq(start),
            fetch_thread.tokens_initial.eq(loader.credits),
        ]
        idle = Signal()
        stuck = Signal()
        still = [
            thread.finished | (thread.waiting & (thread.in_flight == 0))
            for thread in (execute_thread, fetch_thread)
        ]
        found = Signal(ErrorCode)
        finished = execute_thread.finished & fetch_thread.finished
        m.d.comb += [
            # A thread held in reset has finished nothing, and one that will be had an error.
            idle.eq(finished & ~halted & (found == ErrorCode.NONE)),
            stuck.eq(still[0] & still[1] & ~idle),
        ]

        error, state = self._state(m, loader, start, prologue, idle)
        first, first_pc, first_is_fetch = self._first_error(
            m, (execute, execute_thread), (fetch, fetch_thread), stuck & state.threads, error
        )
        # Errors come from everywhere: what is found in a cycle is acted on in the next one.
        found_pc, found_is_fetch = Signal.like(control.error_pc), Signal()
        m.d.sync += [
            found.eq(first),
            found_pc.eq(first_pc),
            found_is_fetch.eq(first_is_fetch),
        ]
        m.d.comb += halt.eq(~halted & (found != ErrorCode.NONE))
        with m.If(halt):
            m.d.sync += [
                halted.eq(1),
                control.error.eq(found),
                control.error_thread.eq(found_is_fetch),
                control.error_pc.eq(found_pc),
            ]

        m.d.comb += control.busy.eq((state.loading | state.threads) & ~halted)
        # One of them at most wants a beat.
        for taker in (loader.beats, fetch.beats):
            m.d.comb += [
                taker.payload.eq(self.weights.payload),
                taker.valid.eq(self.weights.valid),
            ]
        wanted = loader.beats.ready | fetch.beats.ready
        m.d.comb += self.weights.ready.eq(halted | wanted)
        counters(m, self, architecture, state.running & ~halted, execute_thread, execute)
        return m

    def _stopping(self, m: Module, stopped: Value) -> DomainRenamer:
        """A domain of the same clock for all that an error stops.

        Its reset comes from a register of its own, and lasts a cycle longer than the core's: it
        goes to registers all over the chip, and nothing may lie before it in the same cycle.
        """
        m.domains.engines = ClockDomain(local=True)
        reset = Signal(init=1)
        m.d.sync += reset.eq(stopped)
        m.d.comb += [ClockSignal("engines").eq(ClockSignal()), ResetSignal("engines").eq(reset)]
        return DomainRenamer("engines")

    def _first_error(
        self,
        m: Module,
        executing: tuple[ExecuteEngine, Thread],
        fetching: tuple[FetchEngine, Thread],
        stuck: Value,
        other: Signal,
    ) -> tuple[Value, Value, Value]:
        """Of this cycle's errors the one to report, its instruction, and whether that fetches."""
        (execute, execute_thread), (fetch, fetch_thread) = executing, fetching
        first, error_pc = Signal(ErrorCode), Signal.like(self.control.error_pc)
        error_is_fetch = Signal()
        with m.If(execute.error != ErrorCode.NONE):
            oldest = execute.error_oldest
            m.d.comb += [
                first.eq(execute.error),
                error_pc.eq(Mux(oldest, execute_thread.done_pc, execute_thread.pc)),
            ]
        with m.Elif(fetch.error != ErrorCode.NONE):
            m.d.comb += [first.eq(fetch.error), error_pc.eq(fetch_thread.pc)]
            m.d.comb += error_is_fetch.eq(1)
        with m.Elif(stuck & execute_thread.waiting):
            m.d.comb += [first.eq(ErrorCode.DEADLOCK), error_pc.eq(execute_thread.next_pc)]
        with m.Elif(stuck):
            m.d.comb += [first.eq(ErrorCode.DEADLOCK), error_pc.eq(fetch_thread.next_pc)]
            m.d.comb += error_is_fetch.eq(1)
        with m.Else():
            m.d.comb += first.eq(other)
        return first, error_pc, error_is_fetch

    def _state(
        self, m: Module, loader: Loader, start: Signal, prologue: Signal, idle: Signal
    ) -> tuple[Signal, "_State"]:
        """Idle, loading, prologue, running; and the errors of asking in the wrong state."""
        control = self.control
        error = Signal(ErrorCode)
        state = _State(*(Signal(name=name) for name in ("loading", "threads", "running")))
        with m.If(control.clear_done):
            m.d.sync += control.done.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(control.load):
                    m.d.comb += loader.start.eq(1)
                    m.d.sync += control.loaded.eq(0)
                    m.next = "LOAD"
                with m.Elif(control.run & ~control.loaded):
                    m.d.comb += error.eq(ErrorCode.STATE)
                with m.Elif(control.run):
                    m.d.comb += start.eq(1)
                    m.d.sync += control.done.eq(0)
                    m.next = "RUN_STARTS"
            with m.State("LOAD"):
                m.d.comb += [state.loading.eq(1), error.eq(loader.error)]
                with m.If(loader.done):
                    m.next = "PROLOGUE_BEGINS"
            with m.State("PROLOGUE_BEGINS"):
                m.d.comb += [start.eq(1), prologue.eq(1), state.threads.eq(1)]
                m.next = "PROLOGUE_STARTS"
            # A thread shows that it is at work one cycle after its start.
            with m.State("PROLOGUE_STARTS"):
                m.d.comb += [prologue.eq(1), state.threads.eq(1)]
                m.next = "PROLOGUE"
            with m.State("PROLOGUE"):
                m.d.comb += [prologue.eq(1), state.threads.eq(1)]
                with m.If(idle):
                    m.d.sync += control.loaded.eq(1)
                    m.next = "IDLE"
            with m.State("RUN_STARTS"):
                m.d.comb += [state.running.eq(1), state.threads.eq(1)]
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [state.running.eq(1), state.threads.eq(1)]
                with m.If(idle):
                    m.d.sync += control.done.eq(1)
                    m.next = "IDLE"
        return error, state

    def _memories(
        self,
        m: Module,
        loader: Loader,
        execute_thread: Thread,
        fetch_thread: Thread,
        execute: ExecuteEngine,
        fetch: FetchEngine,
    ) -> None:
        """The instruction memories, the weight buffer and the parameter buffer."""
        architecture = self._architecture
        for name, words, depth, enable, thread in (
            (
                "execute_memory",
                EXECUTE_WORDS,
                architecture.execute_instructions,
                loader.execute_enable,
                execute_thread,
            ),
            (
                "fetch_memory",
                FETCH_WORDS,
                architecture.fetch_instructions,
                loader.fetch_enable,
                fetch_thread,
            ),
        ):
            memory = WideBuffer(words * depth, 32)
            m.submodules[name] = memory
            m.d.comb += [
                memory.read_address.eq(thread.memory_address),
                thread.memory_data.eq(memory.read_data),
                memory.write_address.eq(loader.address),
                memory.write_data.eq(loader.data),
                memory.write_enable.eq(enable),
            ]
        for name, width, depth in (
            ("weight", 8 * architecture.lanes, architecture.weight_words),
            ("parameter", 128, architecture.parameter_records),
        ):
            memory = WideBuffer(depth, width)
            m.submodules[f"{name}_memory"] = memory
            m.d.comb += [
                memory.read_address.eq(getattr(execute, f"{name}_address")),
                getattr(execute, f"{name}_data").eq(memory.read_data),
                memory.write_address.eq(getattr(fetch, f"{name}_address")),
                memory.write_data.eq(getattr(fetch, f"{name}_data")),
                memory.write_enable.eq(getattr(fetch, f"{name}_enable")),
            ]


@dataclass(frozen=True)
class _State:
    """What the machine is doing, one signal each."""

    loading: Signal
    threads: Signal
    running: Signal
