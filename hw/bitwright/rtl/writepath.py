"""From a word of results to bytes in a memory."""

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.align import bump_mask, rotate
from bitwright.rtl.delay import delayed


class WritePath(wiring.Component):
    """Writes the first ``count`` bytes of ``word`` from byte ``address`` on.

    Latency: a request in cycle t is in the memory for reads requested from cycle t + 2 on.
    Throughput: one word per cycle. Handshake: none. ``fault`` is high in cycle t + 2 after a
    request that reaches outside the bank; what is written then is undefined.
    """

    LATENCY = timing.WRITE_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        lanes = architecture.lanes
        self._lanes, self._bytes = lanes, architecture.bank_bytes
        super().__init__(
            {
                "valid": In(1),
                "address": In(signed(26)),
                "count": In(range(lanes + 1)),
                "word": In(ArrayLayout(8, lanes)),
                "bank_word": Out(unsigned((architecture.activation_words - 1).bit_length())),
                "bank_bump": Out(lanes),
                "bank_enable": Out(lanes),
                "bank_data": Out(ArrayLayout(8, lanes)),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes = self._lanes
        bits = (lanes - 1).bit_length()
        # What is asked for comes from many places.
        valid, address, count, word = (
            delayed(m, getattr(self, name), 1, name)
            for name in ("valid", "address", "count", "word")
        )
        offset = Signal(bits)
        back = Signal(bits)
        outside = Signal()
        m.d.comb += [
            offset.eq(address[:bits]),
            # Memory lane e holds the word's byte e - offset.
            back.eq(-offset),
            outside.eq((address < 0) | (address + count > self._bytes)),
        ]
        turned = rotate(m, [word[e] for e in range(lanes)], back, "turn")
        wanted = [(count > e) & valid for e in range(lanes)]
        enables = rotate(m, [Cat(bit) for bit in wanted], back, "enable")
        m.d.sync += [
            self.bank_word.eq(address[bits:]),
            self.bank_bump.eq(bump_mask(offset, lanes)),
            self.bank_enable.eq(Cat(*enables)),
            self.fault.eq(valid & outside),
        ]
        for e in range(lanes):
            m.d.sync += self.bank_data[e].eq(turned[e])
        return m
