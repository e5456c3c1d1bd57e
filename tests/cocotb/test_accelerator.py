"""The whole accelerator on its buses: runs, back-pressure, resets in mid-frame, registers."""

import os
import random

import cocotb
import pytest
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp
from tests.cocotb.host import INTERRUPTS, Host, watch_outputs
from tests.cocotb.small import ARCHITECTURE, images, save_programs
from tests.cocotb.streams import FLOW, RANDOM, STALL
from tests.support.malformed import Sent, Stop

from bitwright.compiler import Program, predict
from bitwright.isa import ErrorCode, timing
from bitwright.isa.instructions import EXECUTE_WORDS, ExecuteOpcode
from bitwright.isa.registers import MAGIC, PROFILE_BASE, REGISTERS, VERSION
from bitwright.rtl import TOP, generate

NAMES = ["RESIDENT", "STREAMED"]
TRANSFERS = (ExecuteOpcode.IN, ExecuteOpcode.OUT)


def program_of(name):
    return Program.load(os.environ[name])


async def check_run(host, program, count, seed):
    x = images(program, count, seed)
    assert (await host.run(program, x) == program.network.run(x)).all()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(name=NAMES)
async def counters_equal_the_model_when_streams_flow(dut, name):
    program = program_of(name)
    host = await Host.start(dut)
    watch_outputs(dut)
    await host.load(program)
    model = predict(program, 3)
    # The sources of cocotbext-axi need some cycles to wake up: the model's host is always there.
    x = images(program, 3, 1)
    host.send_images(Sent.of(program, x))
    await ClockCycles(dut.clk, 10)
    await host.start_run(3)
    await host.interrupt()
    assert await host.read("images_done") == 3
    assert await host.read_wide("macs") == model.macs
    cycles, stalls = await host.read_wide("cycles"), await host.read_wide("stalls")
    assert cycles - stalls == model.total - model.stalls
    for n, expected in enumerate(model.instructions):
        done = await host.control.read(PROFILE_BASE + 4 * n, 4)
        assert done.resp == AxiResp.OKAY
        if program.decoded()[n]["opcode"] not in TRANSFERS:
            assert int.from_bytes(done.data, "little") == expected, f"instruction {n}"


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(
    name=NAMES,
    stalls=[
        (FLOW, FLOW, FLOW),
        (RANDOM, RANDOM, RANDOM),
        (STALL, FLOW, FLOW),
        (FLOW, STALL, FLOW),
        (FLOW, FLOW, STALL),
        (STALL, STALL, STALL),
    ],
)
async def outputs_equal_the_reference(dut, name, stalls):
    program = program_of(name)
    host = await Host.start(dut)
    watch_outputs(dut)
    host.pause(*stalls)
    await host.load(program)
    await check_run(host, program, 3, 2)
    model = predict(program, 3)
    cycles, stalled = await host.read_wide("cycles"), await host.read_wide("stalls")
    assert await host.read_wide("macs") == model.macs
    # A slow host costs stalls and nothing else; a transfer it draws out may hide the fetch of the
    # instruction after it, which a short one leaves uncovered.
    fetch = EXECUTE_WORDS + timing.FETCH_AHEAD
    uncovered = sum(
        max(fetch - duration, 0)
        for fields, duration in zip(program.decoded(), model.instructions, strict=True)
        if fields["opcode"] in TRANSFERS
    )
    busy = model.total - model.stalls
    assert busy - 3 * uncovered <= cycles - stalled <= busy


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(name=NAMES, hard=[True, False])
async def a_reset_at_any_cycle_returns_to_idle(dut, name, hard):
    program = program_of(name)
    host = await Host.start(dut)
    rng = random.Random(f"{cocotb.RANDOM_SEED} {name} {hard}")
    length = predict(program, 2).total
    for _ in range(6):
        await host.load(program)
        host.pause(RANDOM, RANDOM, RANDOM)
        host.send_images(Sent.of(program, images(program, 2, 3)))
        await host.start_run(2)
        await ClockCycles(dut.clk, rng.randint(0, length))
        await (host.hard_reset() if hard else host.soft_reset())
        assert await host.read("status") == 0
        assert await host.stop() == Stop(ErrorCode.NONE, "execute", 0)
        assert not int(dut.irq.value)
    for _ in range(10):  # and while a program is being loaded
        host.pause(rng.choice([FLOW, RANDOM, STALL]))
        host.send_program(Sent.of(program))
        await host.start_load()
        await ClockCycles(dut.clk, rng.randint(0, 300))
        await (host.hard_reset() if hard else host.soft_reset())
        assert await host.read("status") == 0
        if rng.random() < 0.3:
            await host.load(program)
            await check_run(host, program, 1, 4)
    await host.load(program)
    await check_run(host, program, 2, 4)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_run_may_follow_a_run_and_another_program(dut):
    host = await Host.start(dut)
    for n, name in enumerate(["STREAMED", "RESIDENT", "STREAMED"]):
        program = program_of(name)
        await host.load(program)
        for count in (1, 2):
            await check_run(host, program, count, 10 + n)
    # No images: done at once.
    await host.start_run(0)
    await host.interrupt()
    assert await host.read("images_done") == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def registers_tell_who_they_are(dut):
    host = await Host.start(dut)
    assert await host.read("identity") == MAGIC
    assert await host.read("version") == VERSION
    assert await host.read_wide("hash") == ARCHITECTURE.hash
    await host.write("images", 0xDEADBEEF)
    assert await host.read("images") == 0xDEADBEEF
    await host.write("control", INTERRUPTS)
    assert await host.read("control") == INTERRUPTS
    await host.write("control", 0)
    assert await host.read("control") == 0
    for name in ("status", "error", "cycles_low", "stalls_high", "macs_low", "images_done"):
        assert await host.read(name) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def unknown_addresses_are_answered_with_an_error(dut):
    host = await Host.start(dut)
    beyond = max(register.address for register in REGISTERS.values()) + 4
    profile_end = PROFILE_BASE + 4 * ARCHITECTURE.execute_instructions
    for address in (beyond, 0x100, 0xFFFC, profile_end, 0x1FFFC):
        assert (await host.control.read(address, 4)).resp == AxiResp.SLVERR
        assert (await host.control.write(address, bytes(4))).resp == AxiResp.SLVERR
    for name in ("identity", "hash_low", "cycles_low"):  # read only
        done = await host.control.write(REGISTERS[name].address, bytes(4))
        assert done.resp == AxiResp.SLVERR
    # A part of a word is refused, and changes nothing.
    await host.write("images", 7)
    assert (await host.control.write(REGISTERS["images"].address, b"\x01")).resp == AxiResp.SLVERR
    assert await host.read("images") == 7


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def back_pressure_on_registers(dut):
    host = await Host.start(dut)
    rng = random.Random(cocotb.RANDOM_SEED)
    for channel in (
        *(host.control.write_if.aw_channel, host.control.write_if.w_channel),
        *(host.control.write_if.b_channel, host.control.read_if.ar_channel),
        host.control.read_if.r_channel,
    ):
        channel.set_pause_generator(iter(lambda: rng.random() < 0.5, None))
    for _ in range(50):
        value = rng.getrandbits(32)
        await host.write("images", value)
        assert await host.read("images") == value
        assert await host.read("identity") == MAGIC


@pytest.fixture(scope="session")
def verilog():
    return generate(ARCHITECTURE)


def test_accelerator_on_its_buses(bench, verilog, tmp_path):
    result = bench(verilog, TOP, environment=save_programs(tmp_path))
    assert len(result.tests) == 2 + 12 + 4 + 4
