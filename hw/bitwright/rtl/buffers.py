"""The double-banked activation buffer and the wide buffers."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, Signature

from bitwright.isa import Architecture
from bitwright.rtl.delay import delayed, registered
from bitwright.rtl.memory import UNCHECKED, LaneMemory


class BankRead(Signature):
    """A read port of the activation buffer: address with ``valid``, data two cycles later."""

    def __init__(self, architecture: Architecture) -> None:
        lanes = architecture.lanes
        super().__init__(
            {
                "valid": Out(1),
                "bank": Out(1),
                "word": Out(unsigned((architecture.activation_words - 1).bit_length())),
                "bump": Out(lanes),
                "data": In(ArrayLayout(8, lanes)),
            }
        )


class ActivationBuffers(wiring.Component):
    """Two banks, each with one read and one write port of a word.

    ``window`` and ``residual`` read; when both ask for the same bank, ``window`` has it (the
    compiler keeps them apart). Latency: 2 cycles, one of them in the banks. Throughput: one read
    per bank and one write per cycle.
    """

    LATENCY = 2

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        address = unsigned((architecture.activation_words - 1).bit_length())
        super().__init__(
            {
                "window": In(BankRead(architecture)),
                "residual": In(BankRead(architecture)),
                "write_bank": In(1),
                "write_word": In(address),
                "write_bump": In(lanes),
                "write_enable": In(lanes),
                "write_data": In(ArrayLayout(8, lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        banks = []
        for n in range(2):
            bank = LaneMemory(self._architecture.activation_words, self._architecture.lanes)
            m.submodules[f"bank_{n}"] = bank
            banks.append(bank)
            windowed = self.window.valid & (self.window.bank == n)
            m.d.comb += [
                bank.read_word.eq(Mux(windowed, self.window.word, self.residual.word)),
                bank.read_bump.eq(Mux(windowed, self.window.bump, self.residual.bump)),
                bank.write_word.eq(self.write_word),
                bank.write_bump.eq(self.write_bump),
                bank.write_data.eq(self.write_data),
                bank.write_enable.eq(Mux(self.write_bank == n, self.write_enable, 0)),
            ]
        for port in (self.window, self.residual):
            bank_read = Signal()
            m.d.sync += bank_read.eq(port.bank)
            data = Signal.like(port.data, reset_less=True)
            m.d.sync += data.eq(Mux(bank_read, banks[1].read_data, banks[0].read_data))
            m.d.comb += port.data.eq(data)
        return m


class WideBuffer(wiring.Component):
    """A memory of whole words: weights, or parameter records.

    Latency: data one cycle after the address; a word written in cycle t is there for addresses from
    cycle t + 2 on. Throughput: one read and one write per cycle. A word read in the cycle after it
    is written is undefined.
    """

    LATENCY = 1

    def __init__(self, depth: int, width: int) -> None:
        self._depth, self._width = depth, width
        address = unsigned((depth - 1).bit_length())
        super().__init__(
            {
                "read_address": In(address),
                "read_data": Out(width),
                "write_address": In(address),
                "write_data": In(width),
                "write_enable": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=self._width, depth=self._depth, init=[], attrs=UNCHECKED
        )
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
            # Many blocks of memory are far apart.
            write.addr.eq(registered(m, self.write_address, 1, "write_address")),
            write.data.eq(registered(m, self.write_data, 1, "write_data")),
            write.en.eq(delayed(m, self.write_enable, 1, "write_enable")),
        ]
        return m
