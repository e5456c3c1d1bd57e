"""A register for a stream's border: breaks every path between its two sides."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.assertions import check


class SkidBuffer(wiring.Component):
    """Passes a stream on with both directions registered.

    Latency: 1 cycle. Throughput: one transfer per cycle. Handshake: ``sink`` and ``source`` are
    streams; ``ready`` depends on registers alone, ``valid`` and payload too and hold until taken.
    """

    LATENCY = 1

    def __init__(self, shape: Any) -> None:
        self._shape = shape
        super().__init__(
            {"sink": In(stream.Signature(shape)), "source": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        spare, spare_valid = Signal(self._shape), Signal()
        m.d.comb += self.sink.ready.eq(~spare_valid)
        accepts = self.sink.valid & self.sink.ready
        check(
            m, platform, ~(accepts & spare_valid), "skid buffer: taken while both places are full"
        )
        with m.If(~self.source.valid | self.source.ready):
            m.d.sync += [
                self.source.valid.eq(spare_valid | accepts),
                self.source.payload.eq(Mux(spare_valid, spare, self.sink.payload)),
                spare_valid.eq(0),
            ]
        with m.Elif(accepts):
            m.d.sync += [spare.eq(self.sink.payload), spare_valid.eq(1)]
        return m
