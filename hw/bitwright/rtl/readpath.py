"""From a byte address to a word of activations with its padding in place."""

from typing import Any

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
    0 <= x + e < line_bytes, x the byte's place in its image line. Bytes from ``used`` on are read
    like the others, but nothing depends on them.

    Latency: request in cycle t, ``word`` in cycle t + 5, and ``begins_inside``, which tells whether
    the word's first byte is inside. Throughput: one word per cycle. Handshake: none. ``bank_*`` go
    to the banks in cycle t + 1; ``data`` comes back two cycles later. ``fault`` is high in cycle
    t + 3 after a ``valid`` request with a byte that is inside, below ``used``, and not in the bank;
    the rest of a word may lie anywhere. ``looked_at`` is high in cycle t + 2 if there is a byte
    inside and below ``used``: ``first`` to ``end`` - 1.
    """

    LATENCY = timing.READ_LATENCY
    FAULT = 3
    """From a request to its fault."""

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
                "used": In(range(lanes + 1)),
                "pad": In(8),
                "bank_valid": Out(1),
                "bank_word": Out(unsigned((architecture.activation_words - 1).bit_length())),
                "bank_bump": Out(lanes),
                "data": In(ArrayLayout(8, lanes)),
                "word": Out(ArrayLayout(8, lanes)),
                "begins_inside": Out(1),
                "fault": Out(1),
                "looked_at": Out(1),
                "first": Out(range(lanes + 1)),
                "end": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes = self._lanes
        bits = (lanes - 1).bit_length()
        # A request has come a long way, and has as far to go.
        valid, address, x, inside, line_bytes, used = (
            delayed(m, getattr(self, name), 1, f"{name}_asked")
            for name in ("valid", "address", "x", "inside", "line_bytes", "used")
        )
        offset = address[:bits]
        m.d.comb += [
            self.bank_valid.eq(valid),
            self.bank_word.eq(address[bits:]),
            self.bank_bump.eq(bump_mask(offset, lanes)),
        ]

        # Distances to the line's two ends and to the bank's, saturated to a word; then compared per
        # byte, and for the word as a whole.
        def saturated(distance: Any, name: str) -> Signal:
            wide, narrow = (
                Signal(signed(27), name=f"{name}_wide"),
                Signal(len(self.used), name=name),
            )
            m.d.comb += wide.eq(distance)
            m.d.sync += narrow.eq(Mux(wide <= 0, 0, Mux(wide >= lanes, lanes, wide)))
            return narrow

        below = saturated(-x, "below")
        room = saturated(line_bytes - x, "room")
        bank_below = saturated(-address, "bank_below")
        bank_room = saturated(self._bytes - address, "bank_room")
        inside = delayed(m, inside, 1, "inside")
        valid = delayed(m, valid, 1, "valid")
        used = delayed(m, used, 1, "used")
        m.d.comb += [
            self.first.eq(below),
            self.end.eq(Mux(used < room, used, room)),
            self.looked_at.eq(valid & inside & (self.first < self.end)),
        ]
        beyond = (self.first < bank_below) | (self.end > bank_room)
        m.d.sync += self.fault.eq(self.looked_at & beyond)

        mask = Signal(lanes)
        m.d.sync += self.begins_inside.eq(mask[0])
        masked = Cat(inside & (below <= e) & (room > e) for e in range(lanes))
        m.d.sync += mask.eq(delayed(m, masked, 1, "mask"))
        amount = delayed(m, offset, 2, "offset")
        turned = rotate(m, [self.data[e] for e in range(lanes)], amount, "turn")
        for e in range(lanes):
            byte = Signal(8, name=f"turned_{e}", reset_less=True)
            m.d.sync += byte.eq(turned[e])
            m.d.sync += self.word[e].eq(Mux(mask[e], byte, self.pad))
        return m
