"""Every assertion of the design fires when what it guards is broken, and none is in synthesis."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Const, unsigned
from tests.cocotb.small import ARCHITECTURE

from bitwright.isa import timing
from bitwright.isa.instructions import EXECUTE_WORDS, encode_execute, encode_fetch
from bitwright.isa.registers import MAGIC, VERSION
from bitwright.rtl import TOP, Top, generate
from bitwright.rtl.array import SystolicArray
from bitwright.rtl.assertions import PROGRAM
from bitwright.rtl.bitwindow import BitWindow
from bitwright.rtl.compute import Compute
from bitwright.rtl.config import ComputeConfig, WalkConfig, WindowConfig
from bitwright.rtl.depthwise import DepthwiseEngine
from bitwright.rtl.execute import ExecuteEngine
from bitwright.rtl.fetch import FetchEngine
from bitwright.rtl.linear import LinearWalker
from bitwright.rtl.loader import Loader
from bitwright.rtl.parameters import ParameterSequencer
from bitwright.rtl.skid import SkidBuffer
from bitwright.rtl.thread import Thread
from bitwright.rtl.transfer import StreamIn, StreamOut
from bitwright.rtl.walker import Walker
from bitwright.rtl.windows import WindowSchedule
from bitwright.sim import VerilatedModel
from bitwright.sim.model import SimulationError
from bitwright.sim.verilog import simulation_verilog


@contextmanager
def fires(component: Any, message: str) -> Iterator[VerilatedModel]:
    """A model of the component; the block must end with the assertion of that message."""
    model = VerilatedModel.build(component, "top", trace=False, optimize=0)
    with model, pytest.raises(SimulationError, match=message):
        yield model


def override(monkeypatch: pytest.MonkeyPatch, kind: type, forced: Callable[[Any], Any]) -> None:
    """Let every component of a kind end with another statement: what it says wins."""
    original = kind.elaborate

    def elaborate(self: Any, platform: object) -> Any:
        m = original(self, platform)
        m.d.comb += forced(self)
        return m

    monkeypatch.setattr(kind, "elaborate", elaborate)


def word(words: list[int]) -> int:
    """An instruction as one number."""
    return sum(value << 32 * n for n, value in enumerate(words))


def test_skid_buffer_that_takes_a_third_word(monkeypatch) -> None:
    override(monkeypatch, SkidBuffer, lambda self: self.sink.ready.eq(1))
    with fires(SkidBuffer(unsigned(8)), "skid buffer: taken while both places are full") as model:
        model.io.sink__valid = 1
        model.clock.tick(3)


@pytest.mark.parametrize(("kind", "name"), [(StreamIn, "stream in"), (StreamOut, "stream out")])
def test_transfer_that_is_started_twice(kind, name) -> None:
    with fires(kind(ARCHITECTURE), f"{name}: started while beats are due") as model:
        model.io.start, model.io.count = 1, 3
        model.clock.tick(2)


def test_output_fifo_that_overflows(monkeypatch) -> None:
    override(monkeypatch, StreamOut, lambda self: self.request.eq(1))
    with fires(StreamOut(ARCHITECTURE), "stream out: the FIFO overflows") as model:
        model.clock.tick(2 * StreamOut.DEPTH)


def test_tile_that_is_shorter_than_its_columns() -> None:
    with fires(SystolicArray(ARCHITECTURE), "array: two sums of a row finish at once") as model:
        model.io.last = 1
        model.clock.tick(10)


def walk(**values: int) -> int:
    ones = ("words", "kernel_x", "kernel_y", "out_width", "out_height", "channel_tiles")
    return int(WalkConfig().const(dict.fromkeys(ones, 1) | values).as_value().value)


def test_walker_that_is_started_while_busy() -> None:
    with fires(Walker(ARCHITECTURE), "walker: started while busy") as model:
        model.io.config, model.io.start = walk(words=3), 1
        model.clock.tick(2)


def test_walker_that_is_told_to_proceed_unasked() -> None:
    with fires(Walker(ARCHITECTURE), "walker: told to proceed, not waiting") as model:
        model.io.config, model.io.proceed = walk(), 1
        model.clock.tick()


def test_linear_walker_that_loses_an_event() -> None:
    with fires(LinearWalker(ARCHITECTURE), "linear walker: started with an event") as model:
        model.io.start = model.io.event = 1
        model.clock.tick()


@pytest.mark.parametrize("run", ["drain", "fill"])
def test_parameters_that_are_cut_short(run: str) -> None:
    with fires(ParameterSequencer(ARCHITECTURE), f"parameters: a {run} cuts another") as model:
        model.io[run] = 1
        model.clock.tick(2)


def fetch(model: VerilatedModel, **values: int) -> None:
    model.io.instruction = word(encode_fetch(**values))


def test_fetch_beyond_its_buffer() -> None:
    with fires(FetchEngine(ARCHITECTURE), "fetch: a write beyond the buffer") as model:
        fetch(model, opcode=1, base=60, count=4)
        model.io.issue = 1
        model.clock.tick()
        model.io.issue = 0
        model.clock.tick(2)
        fetch(model, opcode=2)  # an instruction that changes while it runs
        model.io.beats__valid = 1
        model.clock.tick(ARCHITECTURE.record_beats)


def test_fetch_that_is_issued_while_busy() -> None:
    with fires(FetchEngine(ARCHITECTURE), "fetch: issued while beats are due") as model:
        fetch(model, opcode=1, count=4)
        model.io.issue = 1
        model.clock.tick(4)


def test_thread_that_is_done_without_an_instruction() -> None:
    with fires(Thread(4, 16), "thread: done without an instruction") as model:
        model.io.done = 1
        model.clock.tick()


def test_thread_that_issues_a_third_instruction() -> None:
    with fires(Thread(4, 16), "thread: a third instruction in flight") as model:
        model.io.end, model.io.repeats, model.io.start = 3, 1, 1
        model.clock.tick()
        model.io.start, model.io.ready = 0, 1
        model.clock.tick(40)


def test_thread_that_is_started_while_at_work() -> None:
    with fires(Thread(4, 16), "thread: started while at work") as model:
        model.io.end = model.io.repeats = model.io.start = 1
        model.clock.tick(2)


def test_instructions_that_end_together(monkeypatch) -> None:
    override(monkeypatch, Compute, lambda self: self.done.eq(1))
    override(monkeypatch, StreamOut, lambda self: self.blocked.eq(0))
    original = StreamIn.elaborate

    def always_done(self: StreamIn, platform: object) -> Any:
        m = original(self, platform)
        m.d.sync += self.done.eq(1)
        return m

    monkeypatch.setattr(StreamIn, "elaborate", always_done)
    with fires(ExecuteEngine(ARCHITECTURE), "execute: two instructions end at once") as model:
        model.clock.tick(4)


def test_execute_that_is_issued_while_busy() -> None:
    with fires(ExecuteEngine(ARCHITECTURE), "execute: issued while busy") as model:
        model.io.instruction = word(encode_execute(opcode=2, weight_base=4))
        model.io.issue = model.io.in_flight = 1
        model.clock.tick(2)


def test_program_that_is_larger_than_its_memory(monkeypatch) -> None:
    monkeypatch.setattr(Loader, "_length_error", lambda self, header: Const(0))
    digest, count = ARCHITECTURE.hash, ARCHITECTURE.execute_instructions + 1
    header = [MAGIC, VERSION, digest & 0xFFFF_FFFF, digest >> 32, count, 1, 0, 0]
    with fires(Loader(ARCHITECTURE), "loader: a write beyond the instruction memory") as model:
        model.io.start = 1
        model.clock.tick()
        model.io.start, model.io.beats__valid = 0, 1
        for value in header:
            model.io.beats__payload = value
            model.clock.tick()
        model.clock.tick(1 + count * EXECUTE_WORDS)


def start_compute(model: VerilatedModel, **values: int) -> None:
    """A window of one word over forty pixels of four channels."""
    window = {"words": 1, "kernel_x": 1, "kernel_y": 1, "out_width": 40, "out_height": 1}
    walked = window | {"channel_tiles": 1, "pixel_step": 4, "height": 1, "vector": 1}
    fields = {
        "walk": walked,
        "lane": {"residual": int("residual_bank" in values)},
        "line_bytes": 160,
        "last_columns": 4,
        "out_bank": 1,
        "out_pitch": 4,
        "uniform": 1,
    }
    model.io.config = int(ComputeConfig().const(fields | values).as_value().value)
    model.io.start = 1
    model.clock.tick()
    model.io.start = 0


def test_compute_that_is_started_before_its_results_are_out() -> None:
    with fires(Compute(ARCHITECTURE), "compute: started while results are due") as model:
        start_compute(model)
        # All results are under way, the last not yet in memory.
        fill = ARCHITECTURE.lanes + timing.FILL_OVERHEAD
        model.clock.tick(fill + 40 + timing.VECTOR_DRAIN - 1)
        start_compute(model)


def test_result_that_meets_a_word_of_the_input_stream() -> None:
    with fires(Compute(ARCHITECTURE), "compute: a result and a word of the input") as model:
        start_compute(model)
        model.io.loading = model.io.load_valid = 1
        model.io.load_address = 200  # where nothing is read
        model.clock.tick(60)


def test_window_that_meets_a_word_to_store() -> None:
    with fires(Compute(ARCHITECTURE), "compute: a window and a word to store") as model:
        start_compute(model)
        model.io.storing = model.io.store_valid = 1
        model.clock.tick(60)


def test_window_and_residual_in_one_bank() -> None:
    with fires(Compute(ARCHITECTURE), f"{PROGRAM}window and residual are read from one") as model:
        start_compute(model, residual_bank=0)
        model.clock.tick(60)


MEETS = timing.VECTOR_WRITE + timing.WRITE_LATENCY - 1
"""Pixels that lie between one that is read and the one that is written in that cycle."""


def test_byte_that_is_read_as_it_is_written() -> None:
    with fires(Compute(ARCHITECTURE), f"{PROGRAM}a byte is read as it is written") as model:
        start_compute(model, out_bank=0, out_base=MEETS * 4)
        model.clock.tick(60)


@pytest.mark.parametrize("ahead", [MEETS - 1, MEETS + 1])
def test_bytes_apart_are_no_collision(ahead: int) -> None:
    component = Compute(ARCHITECTURE)
    with VerilatedModel.build(component, "top", trace=False, optimize=0) as model:
        start_compute(model, out_bank=0, out_base=ahead * 4)
        model.clock.tick(60)


DEPTHWISE = replace(ARCHITECTURE, line_words=16)


def start_engine(model: VerilatedModel, tiles_too_early: int = 0, **values: int) -> None:
    """Three tiles of 3 x 4 words, padded above and left, a tile as many cycles too early."""
    window = {"line": 4, "out_width": 4, "out_height": 3, "step": 1, "turn": 1}
    window |= {"left": 1, "right": 1, "top": 1, "bottom": 1}
    model.io.config = int(WindowConfig().const(window | values).as_value().value)
    model.io.start = 1
    model.clock.tick()
    model.io.start = 0
    model.clock.tick(timing.depthwise_lead(DEPTHWISE) + timing.READ_LATENCY - 2)
    model.io.coming = 1
    for _ in range(3):
        words = 12 - tiles_too_early
        for n in range(words):
            model.io.tile_ends = int(n == words - 1)
            model.clock.tick()


def test_tiles_that_fetch_their_weights_too_soon() -> None:
    with fires(DepthwiseEngine(DEPTHWISE), "depthwise: weights are fetched too soon") as model:
        start_engine(model, tiles_too_early=4, out_height=2)


def test_weights_that_come_after_their_first_window(monkeypatch) -> None:
    override(
        monkeypatch,
        WindowSchedule,
        lambda self: [self.opens.eq(self.word), self.closes.eq(1), self.of_last.eq(1)],
    )
    with fires(DepthwiseEngine(DEPTHWISE), "depthwise: weights come late") as model:
        model.io.start = 1
        model.clock.tick()
        model.io.start = 0
        model.clock.tick(5)
        model.io.coming = 1
        model.clock.tick(4)


def test_tile_that_ends_before_its_first_window() -> None:
    message = f"{PROGRAM}windows: a tile has ended before its first window"
    with fires(DepthwiseEngine(DEPTHWISE), message) as model:
        start_engine(model, top=0, left=0, tiles_too_early=3)


def test_tile_that_opens_within_another() -> None:
    message = f"{PROGRAM}windows: a tile opens within another"
    with fires(DepthwiseEngine(DEPTHWISE), message) as model:
        start_engine(model, turn=9)


def test_step_of_bits_that_are_not_there() -> None:
    with fires(BitWindow(4, 12), "bit window: a step of bits not there") as model:
        model.io.step = model.io.lengths = 1
        model.clock.tick()


def test_step_of_several_lengths() -> None:
    with fires(BitWindow(4, 12), "bit window: a step of several lengths") as model:
        model.io.words__valid = model.io.open = 1
        model.clock.tick(4)
        model.io.step, model.io.lengths = 1, 0b110
        model.clock.tick()


def test_bits_that_join_beyond_the_end(monkeypatch) -> None:
    override(monkeypatch, BitWindow, lambda self: self.enough.eq(1))
    with fires(BitWindow(4, 12), "bit window: bits join beyond the end") as model:
        model.io.words__valid = model.io.open = 1
        model.io.step, model.io.lengths = 1, 1 << 11
        model.clock.tick(4)


def test_assertions_are_in_simulation_alone() -> None:
    assert "assert" in simulation_verilog(Top(ARCHITECTURE), TOP)
    for text in (
        generate(ARCHITECTURE),
        simulation_verilog(Top(ARCHITECTURE), TOP, assertions=False),
    ):
        assert "assert" not in text
        assert "$check" not in text
        assert "$write" not in text
