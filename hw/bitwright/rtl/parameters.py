"""Which parameter record goes to the lanes, and when."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture
from bitwright.rtl.assertions import check


class ParameterSequencer(wiring.Component):
    """Addresses the parameter buffer: C records per tile, or a chain-full per channel tile.

    ``start`` takes ``base``; a run of the instruction before may still be going on.
    Array: ``drain`` starts a run through the tile's C records, ascending, first address in the
    next cycle; ``closing`` with it moves on to the next channel tile. Vector: ``fill`` starts a run
    through ``lanes`` records, descending; ``filled`` is high with the last, and so may ``fill`` be
    again.

    With ``uniform`` every channel has the record at ``base``.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._bits = (architecture.parameter_records - 1).bit_length()
        super().__init__(
            {
                "start": In(1),
                "base": In(16),
                "vector": In(1),
                "uniform": In(1),
                "drain": In(1),
                "closing": In(1),
                "fill": In(1),
                "filled": Out(1),
                "valid": Out(1),
                "address": Out(17),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes, columns = self._architecture.lanes, self._architecture.columns
        tile = Signal(17)
        left = Signal(range(lanes + 1))
        m.d.comb += [self.valid.eq(left != 0), self.filled.eq(left == 1)]
        step = Signal(17)
        m.d.comb += step.eq(Mux(self.uniform, 0, Mux(self.vector, lanes, columns)))
        check(m, platform, ~self.drain | (left <= 1), "parameters: a drain cuts another short")
        check(m, platform, ~self.fill | (left <= 1), "parameters: a fill cuts another short")
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
            with m.If(~self.uniform):
                m.d.sync += self.address.eq(Mux(self.vector, self.address - 1, self.address + 1))
        with m.If(self.drain):
            m.d.sync += [self.address.eq(tile), left.eq(columns)]
            with m.If(self.closing):
                m.d.sync += tile.eq(tile + step)
        with m.If(self.fill):
            m.d.sync += [
                self.address.eq(Mux(self.uniform, tile, tile + lanes - 1)),
                left.eq(lanes),
                tile.eq(tile + step),
            ]
        with m.If(self.start):
            m.d.sync += tile.eq(self.base)
        return m
