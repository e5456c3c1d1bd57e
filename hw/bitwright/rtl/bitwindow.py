"""From words to a window that moves on by any number of bits per cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat


def part_bits(lanes: int, max_length: int) -> int:
    """Bits by which a word goes into the window: a divisor of its own, and no less than a step.

    >>> part_bits(8, 16), part_bits(4, 12)
    (16, 16)

    Raises:
        ValueError: a word cannot hold the longest code.
    """
    width = 8 * lanes
    if not 1 <= max_length <= width:
        raise ValueError(
            f"a word must hold the longest code, but max_length is {max_length} "
            f"and a word has {width} bits"
        )
    return next(n for n in range(max_length, width + 1) if width % n == 0)


class BitWindow(wiring.Component):
    """Shows the next ``max_length`` bits of a packet, and moves on by 1 .. ``max_length`` of them.

    Bits are read from the greatest bit of a word's first byte on. Beyond the packet's end they are
    zero. ``step`` moves on by the length whose bit is set in ``lengths`` (bit 0 for one bit).

    Latency: two cycles from a word to its bits in the window. Throughput: a step per cycle of any
    length, as long as there are words. Handshake: ``words`` is a stream, taken while ``open`` as
    there is room, while ``drop`` without being kept, and not beyond the packet's last word
    (``last_taken``) until ``clear``, which forgets all. Steps are of ``enough`` windows only: they
    hold ``max_length`` bits, or all that is left. ``bits`` is how many are there, negative after a
    step beyond the packet's end. ``clean``: no word is left, and the rest of the last is zero.
    """

    LATENCY = 2

    def __init__(self, lanes: int, max_length: int) -> None:
        self._part = part_bits(lanes, max_length)
        # With no room for a part there is more than a step, and after it still a window.
        self._size = self._part + 2 * max_length - 1
        self._width, self._max_length = 8 * lanes, max_length
        super().__init__(
            {
                "words": In(stream.Signature(Beat(lanes))),
                "clear": In(1),
                "open": In(1),
                "drop": In(1),
                "step": In(1),
                "lengths": In(max_length),
                "window": Out(max_length),
                "enough": Out(1),
                "bits": Out(range(-max_length, self._size + 1)),
                "last_taken": Out(1),
                "clean": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        part, size = self._part, self._size
        held, parts = Signal(self._width), Signal(range(self._width // part + 1))
        buffer = Signal(size)  # the next bit is the greatest, beyond `bits` all are zero
        taken, moves, ended = Signal(), Signal(), Signal()
        m.d.comb += [
            taken.eq(self.words.valid & self.words.ready),
            moves.eq((parts != 0) & (self.bits <= size - part)),
            self.words.ready.eq(
                ~self.last_taken
                & (self.drop | (self.open & ((parts == 0) | (moves & (parts == 1)))))
            ),
            ended.eq(self.last_taken & (parts == 0)),
            self.window.eq(buffer[-self._max_length :]),
            self.enough.eq(ended | (self.bits >= self._max_length)),
            self.clean.eq(
                self.last_taken
                & ~buffer.any()
                & ~held.any()
                & (self.bits + parts * part < self._width)
            ),
        ]

        # A part joins before the step, at a place known from the cycle before: the step's length
        # comes late.
        joined, stepped, length = Signal(size), Signal(size), Signal(range(self._max_length + 1))
        place = self.bits.as_unsigned()
        coming = held[-part:] << (size - part)
        choices = [(n, self.lengths[n - 1]) for n in range(1, self._max_length + 1)]
        m.d.comb += [
            joined.eq(buffer | Mux(moves, coming >> place, 0)),
            stepped.eq(reduce(or_, (Mux(bit, joined << n, 0)[:size] for n, bit in choices))),
            length.eq(reduce(or_, (Mux(bit, n, 0) for n, bit in choices))),
        ]
        m.d.sync += [
            buffer.eq(Mux(self.step, stepped, joined)),
            self.bits.eq(self.bits + Mux(moves, part, 0) - Mux(self.step, length, 0)),
        ]
        with m.If(moves):
            m.d.sync += [held.eq(held << part), parts.eq(parts - 1)]
        with m.If(taken):
            m.d.sync += self.last_taken.eq(self.words.payload.last)
            with m.If(~self.drop):
                m.d.sync += [
                    held.eq(Cat(*reversed(self.words.payload.word))),
                    parts.eq(self._width // part),
                ]
        with m.If(self.clear):
            m.d.sync += [
                register.eq(0) for register in (held, parts, buffer, self.bits, self.last_taken)
            ]

        several = self.lengths & (self.lengths - 1)
        check(m, platform, ~self.step | self.enough, "bit window: a step of bits not there")
        check(m, platform, ~self.step | (several == 0), "bit window: a step of several lengths")
        check(m, platform, ~moves | (self.bits >= 0), "bit window: bits join beyond the end")
        return m
