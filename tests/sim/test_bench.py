"""A stream stage under cocotb: its component, its bench, and the tests that run the bench.

The simulator's Python imports this file too, for the ``@cocotb.test()`` functions.
"""

import itertools
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import cocotb
import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from bitwright.sim.bench import BenchError, run_bench

GATE = "module gate(input a, output b); assign b = !a; endmodule\n"


class Inverter(wiring.Component):
    """Stream stage that inverts every byte: one register for what passes, one for what must wait.

    ``ready`` comes from a register, so that the stage cuts the path in both directions. With
    ``drops`` it has a fault on purpose: a byte that must wait is lost.
    """

    s_axis_tdata: In(8)
    s_axis_tlast: In(1)
    s_axis_tvalid: In(1)
    s_axis_tready: Out(1)
    m_axis_tdata: Out(8)
    m_axis_tlast: Out(1)
    m_axis_tvalid: Out(1)
    m_axis_tready: In(1)

    def __init__(self, drops=False):
        self.drops = drops
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        waiting = Signal()
        kept_data, kept_last = Signal(8), Signal()
        m.d.comb += self.s_axis_tready.eq(~waiting)
        with m.If(self.m_axis_tready | ~self.m_axis_tvalid):
            m.d.sync += waiting.eq(0)
            m.d.sync += self.m_axis_tvalid.eq(self.s_axis_tvalid | waiting)
            with m.If(waiting):
                m.d.sync += [self.m_axis_tdata.eq(kept_data), self.m_axis_tlast.eq(kept_last)]
            with m.Else():
                m.d.sync += self.m_axis_tdata.eq(~self.s_axis_tdata)
                m.d.sync += self.m_axis_tlast.eq(self.s_axis_tlast)
        with m.Elif(self.s_axis_tvalid & ~waiting):
            m.d.sync += waiting.eq(0 if self.drops else 1)
            m.d.sync += [kept_data.eq(~self.s_axis_tdata), kept_last.eq(self.s_axis_tlast)]
        return m


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(source_stalls=[0.0, 0.6], sink_stalls=[0.0, 0.6])
async def frames_pass_inverted(dut, source_stalls, sink_stalls):
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    source.set_pause_generator(random.random() < source_stalls for _ in itertools.count())
    sink.set_pause_generator(random.random() < sink_stalls for _ in itertools.count())
    frames = [random.randbytes(random.randint(1, 40)) for _ in range(30)]
    for frame in frames:
        await source.send(AxiStreamFrame(frame))
    for frame in frames:
        received = await sink.recv()
        assert bytes(received) == bytes(255 - byte for byte in frame)
    await ClockCycles(dut.clk, 5)
    assert source.empty()
    assert sink.empty()


def test_stream_stage_passes_frames_whoever_stalls(capfd):
    result = run_bench(__file__, Inverter(), seed=1)
    assert len(result.tests) == 4
    assert result.simulated_ns > 4 * 10_000
    assert capfd.readouterr() == (f"cocotb bench test_bench on top, seed {result.seed}\n", "")


def test_lost_byte_fails_where_the_sink_stalls_and_only_there():
    with pytest.raises(BenchError) as caught:
        run_bench(__file__, Inverter(drops=True), seed=1)
    summary = str(caught.value).split("|")[0]
    assert "2 of 4 tests failed (seed 1;" in summary
    assert summary.count("sink_stalls=0.6: ") == 2
    assert "sink_stalls=0.0: " not in summary
    assert "AssertionError" in str(caught.value)


def _module(folder: Path, body: str) -> Path:
    text = "import cocotb, os, random\nfrom cocotb.triggers import Timer\n" + body
    (folder / "small.py").write_text(text)
    return folder / "small.py"


PASSING = """
@cocotb.test()
async def draws(dut):
    dut.a.value = 1
    await Timer(3, "ns")
    assert dut.b.value == 0
    print("drew", random.getrandbits(60), os.environ.get("FLAVOUR"))
"""


def _drawn(result):
    return next(line for line in result.log.splitlines() if line.startswith("drew"))


def test_seed_decides_the_random_numbers(tmp_path, monkeypatch):
    module = _module(tmp_path, PASSING)
    monkeypatch.delenv("COCOTB_RANDOM_SEED", raising=False)
    one, two = (run_bench(module, GATE, "gate", seed=seed) for seed in (5, 6))
    free = run_bench(module, GATE, "gate")
    again = run_bench(module, GATE, "gate", seed=free.seed)
    monkeypatch.setenv("COCOTB_RANDOM_SEED", "5")
    inherited = run_bench(module, GATE, "gate")
    overridden = run_bench(module, GATE, "gate", seed=6)
    assert _drawn(one) != _drawn(two)
    assert _drawn(free) == _drawn(again)
    assert _drawn(inherited) == _drawn(one)
    assert _drawn(overridden) == _drawn(two)


def test_second_run_builds_nothing(tmp_path, monkeypatch):
    module = _module(tmp_path, PASSING)
    run_bench(module, GATE, "gate")
    monkeypatch.setattr(subprocess, "run", None)
    assert run_bench(module, GATE, "gate").tests == ("draws",)


def test_environment_reaches_the_bench(tmp_path):
    result = run_bench(_module(tmp_path, PASSING), GATE, "gate", environment={"FLAVOUR": "vanilla"})
    assert _drawn(result).endswith("vanilla")


def test_directory_keeps_log_and_results(tmp_path):
    folder = tmp_path / "run"
    result = run_bench(_module(tmp_path, PASSING), GATE, "gate", directory=folder)
    assert (folder / "cocotb.log").read_text() == result.log
    assert (folder / "results.xml").is_file()
    assert result.simulated_ns == 3


def test_waves_are_written_on_request(tmp_path):
    waves = tmp_path / "gate.vcd"
    run_bench(_module(tmp_path, PASSING), GATE, "gate", waves=waves)
    assert re.search(r"\$var wire\s+1 \S+ a ", waves.read_text())


def test_all_failures_are_told_in_one_error_with_the_first_ones_log(tmp_path):
    body = """
@cocotb.test()
async def first(dut):
    print("nothing to see")
@cocotb.test()
async def second(dut):
    print("on the way to it")
    await Timer(1, "ns")
    raise ValueError("no such luck")
@cocotb.test()
async def third(dut):
    print("not this one")
    assert False, "either"
"""
    with pytest.raises(BenchError) as caught:
        run_bench(_module(tmp_path, body), GATE, "gate", seed=77)
    message = str(caught.value)
    assert "bench small: 2 of 3 tests failed (seed 77; whole log: /" in message
    assert "  second: ValueError: no such luck" in message
    assert "  third: AssertionError: either" in message
    assert "| on the way to it" in message
    assert "nothing to see" not in message
    assert "not this one" not in message


def test_one_testcase_can_be_chosen(tmp_path):
    body = PASSING + '\n@cocotb.test()\nasync def broken(dut):\n    raise ValueError("no")\n'
    assert run_bench(_module(tmp_path, body), GATE, "gate", testcase="draws").tests == ("draws",)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "no test ran|ended with an error"),
        ("raise ImportError('not today')", "not today"),
        ("@cocotb.test()\nasync def dies(dut):\n    os._exit(3)\n", "ended with an error"),
    ],
    ids=["no tests", "import error", "sudden end"],
)
def test_bench_that_cannot_run_fails(tmp_path, body, message):
    with pytest.raises(BenchError, match=message):
        run_bench(_module(tmp_path, body), GATE, "gate")


def test_hanging_bench_is_killed(tmp_path):
    body = """
@cocotb.test()
async def hangs(dut):
    print("here as", os.getpid(), flush=True)
    while True:
        pass
"""
    with pytest.raises(BenchError, match=r"killed after 3 s(.|\n)*\| here as") as caught:
        run_bench(_module(tmp_path, body), GATE, "gate", timeout=3)
    simulator = int(re.search(r"here as (\d+)", str(caught.value))[1])
    try:
        for _ in range(50):  # the system reaps it a moment after the signal
            os.kill(simulator, 0)
            time.sleep(0.1)
    except ProcessLookupError:
        return
    os.kill(simulator, signal.SIGKILL)
    pytest.fail("the simulator outlived its bench")


def test_failing_assertion_of_the_design_fails_the_bench(tmp_path):
    text = "module guarded(input a); always @* assert (!a); endmodule\n"
    body = """
@cocotb.test()
async def provokes(dut):
    dut.a.value = 1
    await Timer(3, "ns")
"""
    with pytest.raises(BenchError, match=r"guarded\.v:1: Assertion failed"):
        run_bench(_module(tmp_path, body), text, "guarded")
    assert run_bench(_module(tmp_path, body), text, "guarded", assertions=False).tests


def test_internals_are_visible_only_on_request(tmp_path):
    text = """
    module outer(input a, output b); inner middle(.a(a), .b(b)); endmodule
    module inner(input a, output b); wire hidden = !a; assign b = hidden; endmodule"""
    body = "@cocotb.test()\nasync def looks(dut):\n    dut.middle.hidden.value\n"
    module = _module(tmp_path, body)
    assert run_bench(module, text, "outer", internals=True).tests == ("looks",)
    with pytest.raises(BenchError, match="contains no child object"):
        run_bench(module, text, "outer")


def test_missing_bench_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*absent\.py"):
        run_bench(tmp_path / "absent.py", GATE, "gate")
