"""The host of the accelerator's buses, in the simulator: cocotbext-axi and the register map."""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import ClockCycles, First, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from numpy.typing import NDArray
from tests.cocotb.clocked import PERIOD
from tests.cocotb.streams import FLOW, pauses, watch_stability
from tests.support.malformed import Sent, Stop

from bitwright.compiler import Program
from bitwright.isa import ErrorCode
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_LOAD,
    CONTROL_RESET,
    CONTROL_RUN,
    REGISTERS,
    STATUS_DONE,
    STATUS_LOADED,
)

INTERRUPTS = 1 << CONTROL_IRQ_DONE | 1 << CONTROL_IRQ_ERROR
PATIENCE = 20_000
"""Cycles without an answer that count as a hang."""


class Host:
    """What a driver does: registers, packets of a program, images in, results out."""

    def __init__(self, dut: SimHandleBase) -> None:
        self.dut = dut
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "control"), dut.clk, dut.rst)
        self.weights, self.inputs = (
            AxiStreamSource(AxiStreamBus.from_prefix(dut, name), dut.clk, dut.rst)
            for name in ("weights", "inputs")
        )
        self.outputs = AxiStreamSink(AxiStreamBus.from_prefix(dut, "outputs"), dut.clk, dut.rst)

    @classmethod
    async def start(cls, dut: SimHandleBase) -> "Host":
        """Start the clock, reset the machine and watch its output stream."""
        cocotb.start_soon(Clock(dut.clk, PERIOD, "ns").start())
        host = cls(dut)
        await host.hard_reset()
        return host

    async def hard_reset(self) -> None:
        """Reset everything by the reset pin; packets under way are forgotten."""
        self.dut.rst.value = 1
        self.forget()
        await ClockCycles(self.dut.clk, 3)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def soft_reset(self) -> None:
        """Reset by register; the host takes back what it was about to send first."""
        for stream in (self.weights, self.inputs, self.outputs):
            stream.assert_reset(True)
        self.forget()
        await ClockCycles(self.dut.clk, 2)
        await self.write("control", INTERRUPTS | 1 << CONTROL_RESET)
        for stream in (self.weights, self.inputs, self.outputs):
            stream.assert_reset(False)

    def forget(self) -> None:
        """Drop what is queued on the streams."""
        for stream in (self.weights, self.inputs, self.outputs):
            stream.clear()

    def pause(self, weights: str = FLOW, inputs: str = FLOW, outputs: str = FLOW) -> None:
        """Set how each stream's side stalls."""
        seed = cocotb.RANDOM_SEED
        self.weights.set_pause_generator(pauses(weights, seed))
        self.inputs.set_pause_generator(pauses(inputs, seed + 1))
        self.outputs.set_pause_generator(pauses(outputs, seed + 2))

    async def write(self, register: str, value: int) -> None:
        """Write a register by name."""
        done = await self.control.write(REGISTERS[register].address, value.to_bytes(4, "little"))
        assert done.resp == AxiResp.OKAY

    async def read(self, register: str) -> int:
        """Read a register by name."""
        done = await self.control.read(REGISTERS[register].address, 4)
        assert done.resp == AxiResp.OKAY
        return int.from_bytes(done.data, "little")

    async def read_wide(self, name: str) -> int:
        """Read a counter of two words."""
        return await self.read(f"{name}_low") | await self.read(f"{name}_high") << 32

    async def stop(self) -> Stop:
        """The error register, in words."""
        word = await self.read("error")
        thread = "fetch" if word >> 8 & 1 else "execute"
        return Stop(ErrorCode(word & 0xFF), thread, word >> 16)

    def send_program(self, sent: Sent) -> None:
        """Queue the program's packets: its words, then the data of its prologue."""
        for packet in (sent.program_beats, *sent.prologue):
            self.weights.send_nowait(AxiStreamFrame(packet.tobytes()))

    def send_images(self, sent: Sent) -> None:
        """Queue images, and the weights that they need streamed."""
        for stream, packets in ((self.weights, sent.body), (self.inputs, sent.images)):
            for packet in packets:
                stream.send_nowait(AxiStreamFrame(packet.tobytes()))

    async def recover(self) -> None:
        """Wait until a stopped machine has taken and dropped all that is queued, then reset it."""
        for _ in range(PATIENCE):
            if self.weights.idle() and self.inputs.idle():
                break
            await ClockCycles(self.dut.clk, 1)
        else:
            raise AssertionError("a stopped machine does not drain its streams")
        await self.write("control", INTERRUPTS | 1 << CONTROL_RESET)
        self.outputs.clear()

    async def start_load(self) -> None:
        """Ask for a load."""
        await self.write("control", INTERRUPTS | 1 << CONTROL_LOAD)

    async def load(self, program: Program) -> None:
        """Load a good program and wait until its prologue has run."""
        self.send_program(Sent.of(program))
        await self.start_load()
        for _ in range(PATIENCE // 50):
            assert (await self.stop()).code == ErrorCode.NONE
            if await self.read("status") >> STATUS_LOADED & 1:
                return
            await ClockCycles(self.dut.clk, 40)
        raise AssertionError("the program was not loaded")

    async def start_run(self, images: int) -> None:
        """Ask for a run."""
        await self.write("images", images)
        await self.write("control", INTERRUPTS | 1 << CONTROL_RUN)

    async def run(self, program: Program, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """Run images on a loaded machine; their output codes."""
        self.send_images(Sent.of(program, x))
        await self.start_run(len(x))
        await self.interrupt()
        assert (await self.stop()).code == ErrorCode.NONE
        assert await self.read("status") >> STATUS_DONE & 1
        # The last beats may still wait for a host that stalls.
        arrived = [
            await with_timeout(self.outputs.recv(), PERIOD * PATIENCE, "ns") for _ in range(len(x))
        ]
        frames = [frame.tdata for frame in arrived]
        await self.write("status", 1 << STATUS_DONE)
        assert not int(self.dut.irq.value)
        for stream in (self.weights, self.inputs, self.outputs):
            assert stream.empty()
        plan = program.output_plan
        data = np.frombuffer(b"".join(frames), np.uint8).reshape(len(x), -1)
        assert data.shape[1] == program.output_beats * program.architecture.lanes
        return program.unpack_region(plan, data)

    async def interrupt(self) -> None:
        """Wait for the interrupt; without one the machine hangs."""
        if not int(self.dut.irq.value):
            risen = RisingEdge(self.dut.irq)
            assert await First(risen, ClockCycles(self.dut.clk, PATIENCE)) is risen, "a hang"


def watch_outputs(dut: SimHandleBase) -> None:
    """Hold the output stream to its rules for the rest of the test."""
    cocotb.start_soon(
        watch_stability(
            *(dut.clk, dut.rst, dut.outputs_tvalid, dut.outputs_tready),
            *(dut.outputs_tdata, dut.outputs_tlast),
        )
    )
