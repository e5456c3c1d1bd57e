"""From a byte address to a word of activations with its padding in place."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.align import bump_mask, rotate
from bitwright.rtl.delay import delayed


class ReadPath(wiring.Component):
    """Reads ``lanes`` bytes from ``address``; bytes outside the image read as ``pad``.

    Byte e of the word is inside when ``inside`` (row and line valid) and
    0 <= x + e < line_bytes, x the byte's place in its image line.

    Latency: request in cycle t, ``word`` in cycle t + 3. Throughput: one word per cycle.
    Handshake: none. ``bank_*`` go to a `LaneMemory` chosen by the caller; ``data`` comes back one
    cycle later. ``fault`` is high in cycle t + 1 after a request that begins outside the bank.
    """

    LATENCY = timing.READ_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        lanes = architecture.lanes
        self._lanes, self._bytes = lanes, architecture.bank_bytes
        super().__init__(
            {
                "valid": In(1),
                "address": In(signed(26)),
                "x": In(signed(26)),
                "inside": In(1),
                "line_bytes": In(24),
                "pad": In(8),
                "bank_word": Out(unsigned((architecture.activation_words - 1).bit_length())),
                "bank_bump": Out(lanes),
                "data": In(ArrayLayout(8, lanes)),
                "word": Out(ArrayLayout(8, lanes)),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes = self._lanes
        bits = (lanes - 1).bit_length()
        offset = self.address[:bits]
        m.d.comb += [
            self.bank_word.eq(self.address[bits:]),
            self.bank_bump.eq(bump_mask(offset, lanes)),
        ]

        # Distances to the line's two ends, saturated to a word, then compared per byte.
        below, room = Signal(range(lanes + 1)), Signal(range(lanes + 1))
        left = Signal(signed(27))
        left_over = Signal(signed(27))
        m.d.comb += [left.eq(-self.x), left_over.eq(self.line_bytes - self.x)]
        inside = Signal()
        m.d.sync += [
            below.eq(Mux(left <= 0, 0, Mux(left >= lanes, lanes, left))),
            room.eq(Mux(left_over <= 0, 0, Mux(left_over >= lanes, lanes, left_over))),
            inside.eq(self.inside),
        ]
        outside = (
            self.valid & self.inside & ((self.address <= -lanes) | (self.address >= self._bytes))
        )
        beyond_line = (self.x <= -lanes) | (left_over <= 0)
        m.d.sync += self.fault.eq(outside & ~beyond_line)

        mask = Signal(lanes)
        m.d.sync += mask.eq(Cat(inside & (below <= e) & (room > e) for e in range(lanes)))
        amount = delayed(m, offset, 1, "offset")
        turned = rotate(m, [self.data[e] for e in range(lanes)], amount, "turn")
        for e in range(lanes):
            byte = Signal(8, name=f"turned_{e}")
            m.d.sync += byte.eq(turned[e])
            m.d.sync += self.word[e].eq(Mux(mask[e], byte, self.pad))
        return m
