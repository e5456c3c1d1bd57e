"""From words to elements: what feeds the rows."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture


class RowSerializers(wiring.Component):
    """One shift register per row, loaded in turn, each handing out a byte per cycle.

    Latency: the word of row ``slot`` in cycle t, its byte e at ``element[slot]`` in t + 1 + e;
    ``valid`` and ``slot`` a cycle before it.
    Throughput: a row may be loaded again after ``lanes`` cycles, without a gap.
    """

    LATENCY = 1

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "valid": In(1),
                "slot": In(range(lanes)),
                "word": In(ArrayLayout(8, lanes)),
                "element": Out(ArrayLayout(signed(8), architecture.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        for row in range(self._architecture.rows):
            pending = Signal(8 * self._architecture.lanes, name=f"pending_{row}", reset_less=True)
            m.d.sync += pending.eq(pending >> 8)
            load = Signal(name=f"load_{row}")
            m.d.sync += load.eq(self.valid & (self.slot == row))
            with m.If(load):
                m.d.sync += pending.eq(self.word.as_value())
            m.d.comb += self.element[row].eq(pending[:8])
        return m
