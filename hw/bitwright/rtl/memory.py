"""A bank of byte-wide memories, read and written a word at any byte address."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

UNCHECKED = {"no_rw_check": 1}
"""Attributes of a memory whose word is undefined when it is read in the cycle it is written.

Without them synthesis puts logic around the block RAM that returns the old word.
"""


class LaneMemory(wiring.Component):
    """``lanes`` byte memories of ``words`` bytes, with one read and one write port each.

    A word may begin at any byte: the lanes below the first one (``bump`` set) use the next row of
    the memory. The data is in memory order; `bitwright.rtl.align` rotates it.

    Latency: data one cycle after the address. Throughput: one read and one write per cycle.
    Handshake: none. A byte read in the cycle it is written is undefined.
    """

    LATENCY = 1

    def __init__(self, words: int, lanes: int) -> None:
        self._words, self._lanes = words, lanes
        address = unsigned((words - 1).bit_length())
        super().__init__(
            {
                "read_word": In(address),
                "read_bump": In(lanes),
                "read_data": Out(ArrayLayout(8, lanes)),
                "write_word": In(address),
                "write_bump": In(lanes),
                "write_enable": In(lanes),
                "write_data": In(ArrayLayout(8, lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        for lane in range(self._lanes):
            memory = Memory(shape=8, depth=self._words, init=[], attrs=UNCHECKED)
            m.submodules[f"lane_{lane}"] = memory
            read, write = memory.read_port(), memory.write_port()
            m.d.comb += [
                read.addr.eq(self.read_word + self.read_bump[lane]),
                self.read_data[lane].eq(read.data),
                write.addr.eq(self.write_word + self.write_bump[lane]),
                write.en.eq(self.write_enable[lane]),
                write.data.eq(self.write_data[lane]),
            ]
        return m
