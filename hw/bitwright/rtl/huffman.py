"""A decoder of canonical Huffman codes, a symbol per cycle."""

from enum import IntEnum
from functools import reduce
from itertools import pairwise
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.beat import Beat
from bitwright.rtl.bitwindow import BitWindow
from bitwright.rtl.codetable import SYMBOL_BITS, CodeTable, TableBeat
from bitwright.rtl.counter import Counter
from bitwright.rtl.skid import SkidBuffer


class HuffmanFault(IntEnum):
    """What was wrong with a packet."""

    NONE = 0
    TABLE = 1
    """No table was loaded, or a malformed one."""
    CODE = 2
    """No code begins as the bits after the symbols do."""
    SHORT = 3
    """The packet ends within a code."""
    LEFT_OVER = 4
    """After the last symbol come bits that are not zero, or more words."""


class HuffmanDecoder(wiring.Component):
    """Decodes what `bitwright.compress.huffman.HuffmanCode` encodes, codes of at most 16 bits.

    ``table`` takes the code: `HuffmanCode.table`, one packet; it serves until the next. ``counts``
    takes the number of symbols of a packet of ``words``, which holds their codes from the greatest
    bit of its first byte on and zeros up to the end of a word. A packet of no symbols has no words.

    Latency: `LATENCY` cycles from a word to its first symbol; ``done`` comes in the cycle after the
    packet's last symbol was taken, or up to `LATENCY` later. Throughput: a symbol per cycle, of any
    length; between two packets a few cycles. Handshake: four streams, each free to pause, and
    ``symbols`` registered. A count waits while a table is offered or under way; no other ``ready``
    depends on another stream's side. ``done`` comes once per packet, for one cycle, when all its
    symbols were taken; ``fault`` then says what was wrong: symbols before the fault are right, none
    follow it, and the packet's words were taken up to its last. Without a fault the symbols are
    what `HuffmanCode.decode` returns. A packet that never ends is waited for; no content hangs.

    Args:
        lanes: bytes of a word, at least the longest code.
        max_length: bits of the longest code.
        count_bits: of the number of symbols.

    Raises:
        ValueError: a word cannot hold the longest code.
    """

    LATENCY = 6

    def __init__(self, lanes: int, max_length: int = 16, count_bits: int = 32) -> None:
        self._lanes, self._max_length = lanes, max_length
        self._window = BitWindow(lanes, max_length)
        super().__init__(
            {
                "table": In(stream.Signature(TableBeat())),
                "counts": In(stream.Signature(unsigned(count_bits))),
                "words": In(stream.Signature(Beat(lanes))),
                "symbols": Out(stream.Signature(unsigned(SYMBOL_BITS))),
                "done": Out(1),
                "fault": Out(HuffmanFault),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.table = table = CodeTable(self._max_length)
        m.submodules.window = window = self._window
        wiring.connect(m, wiring.flipped(self.table), table.numbers)
        wiring.connect(m, wiring.flipped(self.words), window.words)

        # The loop: how long the code is that the window begins with, and the window after it.
        begin, decoding, step, enable = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            window.clear.eq(begin),
            window.open.eq(decoding),
            window.lengths.eq(self._lengths(table, window.window)),
            step.eq(decoding & window.enough & enable),
            window.step.eq(step),
        ]
        left = Counter(m, "symbols", self.counts.payload, start=begin, step=step)

        # What was wrong with a step is seen the cycle after, and it alone is behind the window.
        found, lengths, code = Signal(), Signal(self._max_length), Signal(self._max_length)
        few, wrong, failed = Signal(), Signal(), Signal()
        m.d.comb += [
            wrong.eq(found & (~lengths.any() | (window.bits < 0))),
            failed.eq(wrong & enable),
        ]
        with m.If(failed):
            # With fewer bits than the longest code has, what is missing might have made a code.
            m.d.sync += self.fault.eq(
                Mux(few | lengths.any(), HuffmanFault.SHORT, HuffmanFault.CODE)
            )
        with m.If(enable):
            m.d.sync += [
                found.eq(step & ~wrong),
                lengths.eq(window.lengths),
                code.eq(window.window),
                few.eq(window.bits < table.longest),
            ]
        drained = self._look_up(m, table, found & ~wrong, lengths, code, enable)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    table.open.eq(1),
                    self.counts.ready.eq(~table.busy & ~self.table.valid),
                    begin.eq(self.counts.valid & self.counts.ready),
                ]
                with m.If(begin):
                    m.d.sync += self.fault.eq(
                        Mux(table.good, HuffmanFault.NONE, HuffmanFault.TABLE)
                    )
                    with m.If(self.counts.payload == 0):
                        m.next = "EMPTY"
                    with m.Elif(table.good):
                        m.next = "DECODE"
                    with m.Else():
                        m.next = "DROP"
            with m.State("DECODE"):
                m.d.comb += decoding.eq(1)
                with m.If(failed):
                    m.next = "DROP"
                with m.Elif(step & left.last):
                    m.next = "LAST"
            with m.State("LAST"):
                with m.If(failed):
                    m.next = "DROP"
                with m.Elif(enable):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.next = "DROP"
                with m.If(~window.clean):
                    m.d.sync += self.fault.eq(HuffmanFault.LEFT_OVER)
            with m.State("DROP"):
                m.d.comb += window.drop.eq(1)
                with m.If(window.last_taken):
                    m.next = "EMPTY"
            with m.State("EMPTY"):
                m.d.comb += self.done.eq(drained)
                with m.If(drained):
                    m.next = "IDLE"
        return m

    def _lengths(self, table: CodeTable, window: Value) -> Value:
        """The length of the code that the window begins with, one bit set of ``max_length``."""
        below = [Const(0, 1)]
        for length in range(1, self._max_length + 1):
            below.append(window[-length:] < getattr(table, f"limit_{length}"))
        # Limits only grow: what is below one is below all that follow.
        return Cat(now & ~before for before, now in pairwise(below))

    def _look_up(
        self,
        m: Module,
        table: CodeTable,
        valid: Value,
        lengths: Value,
        code: Value,
        enable: Value,
    ) -> Value:
        """Look the symbols of codes up and send them; returns whether none is under way."""
        m.submodules.skid = skid = SkidBuffer(unsigned(SYMBOL_BITS))
        wiring.connect(m, skid.source, wiring.flipped(self.symbols))
        ways = [
            (bit, getattr(table, f"base_{n}"), code[-n:][:SYMBOL_BITS])
            for n, bit in enumerate(lengths, 1)
        ]
        picked, symbol_valid = Signal(), Signal()
        base, offset = Signal(SYMBOL_BITS), Signal(SYMBOL_BITS)
        with m.If(enable):
            m.d.sync += [
                picked.eq(valid),
                base.eq(reduce(or_, (Mux(bit, own, 0) for bit, own, _ in ways))),
                offset.eq(reduce(or_, (Mux(bit, own, 0) for bit, _, own in ways))),
                symbol_valid.eq(picked),
            ]
        m.d.comb += [
            enable.eq(skid.sink.ready),
            table.enable.eq(enable),
            table.address.eq(base + offset),
            skid.sink.valid.eq(symbol_valid),
            skid.sink.payload.eq(table.symbol),
        ]
        return ~(picked | symbol_valid | skid.source.valid)
