"""Takes a program from the weight stream into the instruction memories, if it fits the machine."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import EXECUTE_WORDS, FETCH_WORDS
from bitwright.isa.registers import HEADER_FIELDS, HEADER_WORDS, MAGIC, VERSION
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.product import times


class Loader(wiring.Component):
    """Reads one packet: header, execute instructions, fetch instructions; a 32-bit word per beat.

    The header is checked when its last word is in; a program for another machine is refused before
    an instruction memory is touched. Throughput: one beat per cycle. Handshake: ``start`` while
    idle, then ``done`` for one cycle, or ``error`` not NONE for one cycle.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        execute = range(architecture.execute_instructions + 1)
        fetch = range(architecture.fetch_instructions + 1)
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "error": Out(ErrorCode),
                "beats": In(stream.Signature(Beat(architecture.lanes))),
                "address": Out(
                    unsigned(
                        (
                            EXECUTE_WORDS * architecture.execute_instructions
                            + FETCH_WORDS * architecture.fetch_instructions
                        ).bit_length()
                    )
                ),
                "data": Out(32),
                "execute_enable": Out(1),
                "fetch_enable": Out(1),
                "execute_count": Out(execute),
                "fetch_count": Out(fetch),
                "prologue_count": Out(fetch),
                "credits": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        architecture = self._architecture
        header = {name: Signal(32, name=name) for name in HEADER_FIELDS}
        index, left = Signal(range(HEADER_WORDS)), Signal.like(self.address)
        word = self.beats.payload.word.as_value()[:32]
        last = self.beats.payload.last
        m.d.comb += self.data.eq(word)
        for enable, words, depth in (
            (self.execute_enable, EXECUTE_WORDS, architecture.execute_instructions),
            (self.fetch_enable, FETCH_WORDS, architecture.fetch_instructions),
        ):
            inside = self.address < words * depth
            check(m, platform, ~enable | inside, "loader: a write beyond the instruction memory")

        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += index.eq(0)
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += self.beats.ready.eq(1)
                with m.If(self.beats.valid):
                    m.d.sync += index.eq(index + 1)
                    with m.Switch(index):
                        for n, name in enumerate(HEADER_FIELDS):
                            with m.Case(n):
                                m.d.sync += header[name].eq(word)
                    with m.If(last):
                        m.d.comb += self.error.eq(ErrorCode.LENGTH)
                        m.next = "IDLE"
                    with m.Elif(index == HEADER_WORDS - 1):
                        m.next = "CHECK"
            with m.State("CHECK"):
                m.next = "IDLE"
                wrong = self._length_error(header)
                with m.If(header["magic"] != MAGIC):
                    m.d.comb += self.error.eq(ErrorCode.MAGIC)
                with m.Elif(header["version"] != VERSION):
                    m.d.comb += self.error.eq(ErrorCode.VERSION)
                with m.Elif(
                    (header["hash_low"] != architecture.hash & 0xFFFF_FFFF)
                    | (header["hash_high"] != architecture.hash >> 32)
                ):
                    m.d.comb += self.error.eq(ErrorCode.HASH)
                with m.Elif(wrong):
                    m.d.comb += self.error.eq(ErrorCode.LENGTH)
                with m.Else():
                    m.d.sync += [
                        left.eq(times(header["execute_count"], EXECUTE_WORDS)),
                        self.address.eq(0),
                        self.execute_count.eq(header["execute_count"]),
                        self.fetch_count.eq(header["fetch_count"]),
                        self.prologue_count.eq(header["prologue_count"]),
                        self.credits.eq(header["credits"]),
                    ]
                    m.next = "EXECUTE"
            with m.State("EXECUTE"):
                m.d.comb += self.beats.ready.eq(1)
                with m.If(self.beats.valid):
                    m.d.comb += self.execute_enable.eq(1)
                    m.d.sync += [left.eq(left - 1), self.address.eq(self.address + 1)]
                    with m.If(last):
                        m.d.comb += self.error.eq(ErrorCode.LENGTH)
                        m.next = "IDLE"
                    with m.Elif(left == 1):
                        m.d.sync += [
                            left.eq(times(header["fetch_count"], FETCH_WORDS)),
                            self.address.eq(0),
                        ]
                        m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += self.beats.ready.eq(1)
                with m.If(self.beats.valid):
                    m.d.comb += self.fetch_enable.eq(1)
                    m.d.sync += [left.eq(left - 1), self.address.eq(self.address + 1)]
                    with m.If(last != (left == 1)):
                        m.d.comb += self.error.eq(ErrorCode.LENGTH)
                        m.next = "IDLE"
                    with m.Elif(left == 1):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m

    def _length_error(self, header: dict[str, Signal]) -> Signal:
        return (
            (header["execute_count"] == 0)
            | (header["execute_count"] > self._architecture.execute_instructions)
            | (header["fetch_count"] == 0)
            | (header["fetch_count"] > self._architecture.fetch_instructions)
            | (header["prologue_count"] > header["fetch_count"])
            | (header["credits"] > 0xFFFF)
        )
