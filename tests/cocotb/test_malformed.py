"""Malformed programs and packets on the buses: each stops the machine, and the next one runs."""

import os
from enum import Enum

import cocotb
from cocotb.triggers import ClockCycles
from tests.cocotb.host import Host
from tests.cocotb.small import ARCHITECTURE, images, network, save_programs
from tests.support.malformed import RESIDENT, Sent, Stop, cases

from bitwright.compiler import Program, compile
from bitwright.isa import ErrorCode
from bitwright.isa.registers import STATUS_ERROR, STATUS_LOADED
from bitwright.rtl import TOP, Top

CASES = {c.name: c for c in cases(*(compile(network(s), ARCHITECTURE) for s in (False, True)))}
Name = Enum("Name", list(CASES))
"""cocotb names a test by an enum's member, not by a long string."""
SETTLE = 40
"""Cycles between looks at a loading machine."""


async def loaded_or_stopped(host):
    """Wait until the machine has loaded what was sent, or has stopped."""
    for _ in range(100):
        await ClockCycles(host.dut.clk, SETTLE)
        if int(host.dut.irq.value) or await host.read("status") >> STATUS_LOADED & 1:
            return
    raise AssertionError("neither loaded nor stopped: a hang")


async def check_stopped(host, expected):
    """The machine tells what went wrong and is no longer busy; then recover, as a host would."""
    assert int(host.dut.irq.value)
    assert await host.stop() == expected
    assert (
        await host.read("status") & ~(1 << STATUS_LOADED) == 1 << STATUS_ERROR
    )  # not busy, not done
    await host.recover()
    assert await host.read("status") == 0
    assert not int(host.dut.irq.value)


async def check_runs(host, program):
    x = images(program, 2, 5)
    await host.load(program)
    assert (await host.run(program, x) == program.network.run(x)).all()


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(case=list(Name))
async def stops_and_recovers(dut, case):
    case = CASES[case.name]
    program = Program.load(os.environ[case.program])
    host = await Host.start(dut)
    sent = Sent.of(program, images(program, 2, 5))
    case.spoil(sent)
    host.send_program(sent)
    await host.start_load()
    await loaded_or_stopped(host)
    host.send_images(sent)
    if not int(dut.irq.value):
        await host.start_run(2)
    await host.interrupt()
    await check_stopped(host, case.stop)
    await check_runs(host, program)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_run_without_a_program_is_refused(dut):
    program = Program.load(os.environ[RESIDENT])
    host = await Host.start(dut)
    await host.start_run(1)
    await host.interrupt()
    await check_stopped(host, Stop(ErrorCode.STATE, "execute", 0))
    await check_runs(host, program)
    # Nor after a program that was refused: the one before is not there any more.
    sent = Sent.of(program)
    sent.header("magic", 0)
    host.send_program(sent)
    await host.start_load()
    await host.interrupt()
    await check_stopped(host, Stop(ErrorCode.MAGIC, "execute", 0))
    await host.start_run(1)
    await host.interrupt()
    await check_stopped(host, Stop(ErrorCode.STATE, "execute", 0))
    await check_runs(host, program)


def test_malformed_programs_stop_with_their_error(bench, tmp_path):
    """With the design's assertions: a malformed program breaks none."""
    result = bench(Top(ARCHITECTURE), TOP, environment=save_programs(tmp_path))
    assert len(result.tests) == len(CASES) + 1
