"""The simulator's side of the benches without a bus: one clock, one step per cycle.

A step ends in the middle of a cycle, at the clock's falling edge: what is read then is the cycle's
value of every register, and what is written then is the cycle's input.
"""

import cocotb
from cocotb.clock import Clock
from cocotb.handle import LogicArrayObject, SimHandleBase
from cocotb.triggers import FallingEdge
from numpy.typing import ArrayLike

PERIOD = 10


async def reset(dut: SimHandleBase) -> None:
    """Start the clock and reset for two cycles; returns in the middle of the cycle after."""
    cocotb.start_soon(Clock(dut.clk, PERIOD, "ns").start())
    dut.rst.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def step(dut: SimHandleBase) -> None:
    """To the middle of the next cycle."""
    await FallingEdge(dut.clk)


def packed(values: ArrayLike, width: int) -> int:
    """Values as one vector of fields of ``width`` bits, the first lowest."""
    word = 0
    for n, value in enumerate(values):
        word |= (int(value) & ((1 << width) - 1)) << (n * width)
    return word


def unpacked(port: LogicArrayObject, width: int) -> list[int]:
    """The inverse of `packed`, fields signed."""
    word = int(port.value)
    fields = (word >> start & ((1 << width) - 1) for start in range(0, len(port), width))
    return [signed(field, width) for field in fields]


def signed(word: int, width: int) -> int:
    """The low ``width`` bits as two's complement."""
    word &= (1 << width) - 1
    return word - (word >> (width - 1) << width)
