"""Moving words between the streams and an activation bank."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.delay import delayed


class StreamIn(wiring.Component):
    """Takes ``count`` beats and asks for each to be written, a word further on.

    Throughput: one beat per cycle. ``done`` is high in the cycle after the last beat; ``fault`` if
    the packet ended early or did not end with the last beat.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._lanes = architecture.lanes
        super().__init__(
            {
                "start": In(1),
                "base": In(signed(26)),
                "count": In(32),
                "beats": In(stream.Signature(Beat(self._lanes))),
                "valid": Out(1),
                "address": Out(signed(26)),
                "word": Out(ArrayLayout(8, self._lanes)),
                "starved": Out(1),
                "done": Out(1),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        left = Signal(32)
        final = left == 1
        m.d.comb += [
            self.beats.ready.eq(left != 0),
            self.valid.eq(self.beats.valid & self.beats.ready),
            self.starved.eq(self.beats.ready & ~self.beats.valid),
            self.word.eq(self.beats.payload.word),
        ]
        m.d.sync += [
            self.done.eq(self.valid & final),
            self.fault.eq(self.valid & (self.beats.payload.last != final)),
        ]
        check(m, platform, ~self.start | (left == 0), "stream in: started while beats are due")
        with m.If(self.start):
            m.d.sync += [left.eq(self.count), self.address.eq(self.base)]
        with m.Elif(self.valid):
            m.d.sync += [left.eq(left - 1), self.address.eq(self.address + self._lanes)]
        return m


class StreamOut(wiring.Component):
    """Requests ``count`` words and hands them out as one packet.

    Throughput: one beat per cycle while the sink is ready; a small FIFO takes what the read path
    still holds when the sink stalls. ``done`` is high in the cycle after the last beat is taken.
    """

    DEPTH = 16

    def __init__(self, architecture: Architecture) -> None:
        self._lanes = architecture.lanes
        super().__init__(
            {
                "start": In(1),
                "base": In(signed(26)),
                "count": In(32),
                "request": Out(1),
                "address": Out(signed(26)),
                "word": In(ArrayLayout(8, self._lanes)),
                "beats": Out(stream.Signature(Beat(self._lanes))),
                "blocked": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        beat = Beat(self._lanes)
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=beat.size, depth=self.DEPTH)
        left, room = Signal(32), Signal(range(self.DEPTH + 1), init=self.DEPTH)
        taken = Signal()
        m.d.comb += [
            self.request.eq((left != 0) & (room != 0)),
            taken.eq(self.beats.valid & self.beats.ready),
            self.blocked.eq(self.beats.valid & ~self.beats.ready),
        ]
        idle = (left == 0) & (room == self.DEPTH)
        check(m, platform, ~self.start | idle, "stream out: started while beats are due")
        check(m, platform, ~fifo.w_en | fifo.w_rdy, "stream out: the FIFO overflows")
        # Room is reserved at the request and given back when the beat has left.
        m.d.sync += room.eq(room - self.request + taken)
        with m.If(self.start):
            m.d.sync += [left.eq(self.count), self.address.eq(self.base)]
        with m.Elif(self.request):
            m.d.sync += [left.eq(left - 1), self.address.eq(self.address + self._lanes)]
        arrives = delayed(m, self.request, timing.READ_LATENCY, "arrives")
        ends = delayed(m, self.request & (left == 1), timing.READ_LATENCY, "ends")
        incoming = Signal(beat)
        outgoing = Signal(beat)
        m.d.comb += [
            incoming.word.eq(self.word),
            incoming.last.eq(ends),
            fifo.w_data.eq(incoming),
            fifo.w_en.eq(arrives),
            outgoing.eq(fifo.r_data),
            self.beats.payload.eq(outgoing),
            self.beats.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.beats.ready),
        ]
        m.d.sync += self.done.eq(taken & outgoing.last)
        return m
