"""Addresses of results: pixel after pixel, channel tile after channel tile."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture
from bitwright.rtl.assertions import check


class LinearWalker(wiring.Component):
    """Steps ``pitch`` bytes per pixel; when a channel tile closes, back and one tile further on.

    Latency: combinational from ``event`` to ``address``. Throughput: one pixel per cycle.
    Handshake: ``start`` takes ``base``, ``pitch``, ``step``, ``channel_tiles`` and
    ``last_columns``, which may change afterwards; then each ``event`` is a pixel slot in order,
    ``row_valid`` where it holds a pixel, ``closing`` with the last slot of a channel tile.

    ``count`` is the number of channels in the current tile: ``step``, or ``last_columns`` in the
    last tile.
    """

    def __init__(self, architecture: Architecture) -> None:
        lanes = architecture.lanes
        super().__init__(
            {
                "start": In(1),
                "base": In(signed(26)),
                "pitch": In(16),
                "step": In(range(lanes + 1)),
                "channel_tiles": In(16),
                "last_columns": In(range(lanes + 1)),
                "event": In(1),
                "row_valid": In(1),
                "closing": In(1),
                "valid": Out(1),
                "address": Out(signed(26)),
                "count": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        tile, tiles_left = Signal(signed(26)), Signal(16)
        pitch, last_columns = Signal.like(self.pitch), Signal.like(self.last_columns)
        step = Signal.like(self.step)
        m.d.comb += [
            self.valid.eq(self.event & self.row_valid),
            self.count.eq(Mux(tiles_left == 1, last_columns, step)),
        ]
        check(m, platform, ~(self.start & self.event), "linear walker: started with an event")
        with m.If(self.start):
            m.d.sync += [
                tile.eq(self.base),
                self.address.eq(self.base),
                tiles_left.eq(self.channel_tiles),
                pitch.eq(self.pitch),
                last_columns.eq(self.last_columns),
                step.eq(self.step),
            ]
        with m.Elif(self.event & self.closing):
            m.d.sync += [
                tile.eq(tile + step),
                self.address.eq(tile + step),
                tiles_left.eq(tiles_left - 1),
            ]
        with m.Elif(self.valid):
            m.d.sync += self.address.eq(self.address + pitch)
        return m
