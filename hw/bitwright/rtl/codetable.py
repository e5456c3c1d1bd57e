"""The table of a canonical Huffman code: loaded, checked, and kept as a decoder compares it."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

SYMBOL_BITS = 8
SYMBOLS = 1 << SYMBOL_BITS


class TableBeat(data.StructLayout):
    """A number of the table, and whether it is the last.

    A number is how many codes have a length, 0 .. 256, or a symbol.
    """

    def __init__(self) -> None:
        super().__init__({"value": SYMBOL_BITS + 1, "last": 1})


class CodeTable(wiring.Component):
    """Takes one packet: the codes of length 1, 2, .. ``max_length``, then all symbols in order.

    Length l has the codes from ``first`` to below ``limit_l``; all codes not longer than l, seen as
    the beginnings of l bits, are below ``limit_l`` too. Symbol ``base_l`` + code (both modulo 256)
    of the memory belongs to a code of length l.

    Latency: ``good`` the cycle after the last number; ``symbol`` one cycle after ``address`` where
    ``enable`` is set. Throughput: one number per cycle. Handshake: ``numbers`` is a stream that is
    taken while ``open``, and to its end once begun (``busy``). A table of too short lengths, of no
    or of more than 256 symbols, or one that is longer or shorter than its counts say is taken
    whole and leaves ``good`` clear; so does one that is being loaded.
    """

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length
        lengths = range(1, max_length + 1)
        super().__init__(
            {
                "numbers": In(stream.Signature(TableBeat())),
                "open": In(1),
                "busy": Out(1),
                "good": Out(1),
                "longest": Out(range(max_length + 1)),
                **{f"limit_{length}": Out(length + 1) for length in lengths},
                **{f"base_{length}": Out(SYMBOL_BITS) for length in lengths},
                "enable": In(1),
                "address": In(SYMBOL_BITS),
                "symbol": Out(unsigned(SYMBOL_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.symbols = memory = Memory(shape=SYMBOL_BITS, depth=SYMBOLS, init=[])
        read, write = memory.read_port(), memory.write_port()
        length = Signal(range(1, self._max_length + 1), init=1)
        # The sum of all counts fits, whatever they are.
        total, written = Signal(range(SYMBOLS * 2 * self._max_length)), Signal(SYMBOL_BITS + 1)
        first = Signal(max(self._max_length, SYMBOL_BITS) + 3)
        crowded, wrong = Signal(), Signal()
        value, last = self.numbers.payload.value, self.numbers.payload.last
        taken = self.numbers.valid & self.numbers.ready
        m.d.comb += [
            self.numbers.ready.eq(self.open | self.busy),
            read.addr.eq(self.address),
            read.en.eq(self.enable),
            self.symbol.eq(read.data),
            write.addr.eq(written),
            write.data.eq(value),
        ]
        # A length's codes are too many if the next one's would begin beyond all codes. Once they
        # are, the table is wrong, and it does not matter that `first` is cut off.
        with m.If(taken):
            m.d.sync += [self.busy.eq(~last), self.good.eq(0), wrong.eq(wrong | crowded)]

        with m.FSM():
            with m.State("COUNTS"):
                limit = first + value
                with m.If(taken):
                    m.d.sync += [
                        length.eq(length + 1),
                        total.eq(total + value),
                        first.eq(limit << 1),
                    ]
                    with m.If(value != 0):
                        m.d.sync += self.longest.eq(length)
                    with m.Switch(length):
                        for n in range(1, self._max_length + 1):
                            with m.Case(n):
                                m.d.comb += crowded.eq(first > 1 << n)
                                m.d.sync += [
                                    getattr(self, f"limit_{n}").eq(limit),
                                    getattr(self, f"base_{n}").eq(total - first),
                                ]
                    with m.If((length == self._max_length) & ~last):
                        m.next = "SYMBOLS"
            with m.State("SYMBOLS"):
                beyond = (written >= total) | (total > SYMBOLS) | (value >= SYMBOLS)
                m.d.comb += [write.en.eq(taken), crowded.eq(first > 2 << self._max_length)]
                with m.If(taken):
                    m.d.sync += [written.eq(written + 1), wrong.eq(wrong | crowded | beyond)]
                    with m.If(last):
                        m.next = "COUNTS"
                        m.d.sync += self.good.eq(
                            ~(wrong | crowded | beyond) & (written + 1 == total)
                        )
        with m.If(taken & last):
            m.d.sync += [
                *(register.eq(register.init) for register in (length, total, written, first, wrong))
            ]
        return m
