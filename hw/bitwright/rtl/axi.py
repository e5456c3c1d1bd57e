"""AXI4-Lite and AXI4-Stream as Amaranth signatures, and an AXI4-Lite subordinate."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, Signature

ADDRESS_BITS = 17


class AxiLite(Signature):
    """A 32-bit AXI4-Lite manager's ports, without protection bits."""

    def __init__(self) -> None:
        super().__init__(
            {
                "awaddr": Out(ADDRESS_BITS),
                "awvalid": Out(1),
                "awready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "araddr": Out(ADDRESS_BITS),
                "arvalid": Out(1),
                "arready": In(1),
                "rdata": In(32),
                "rresp": In(2),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


class AxiStream(Signature):
    """An AXI4-Stream source of ``lanes`` bytes per beat; every byte is valid."""

    def __init__(self, lanes: int) -> None:
        super().__init__(
            {
                "tdata": Out(8 * lanes),
                "tvalid": Out(1),
                "tready": In(1),
                "tlast": Out(1),
            }
        )


class AxiLiteSubordinate(wiring.Component):
    """Turns AXI4-Lite transactions into single-cycle register accesses.

    A write is done when address and data are both there; a read's data is taken two cycles after
    its address, so that ``read_data`` may come from a memory. Only whole words are written: a
    partial strobe, like an address the registers do not know (``unknown``), is answered SLVERR.
    One transaction of each kind at a time.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(AxiLite()),
                "write_enable": Out(1),
                "write_address": Out(ADDRESS_BITS),
                "write_data": Out(32),
                "read_address": Out(ADDRESS_BITS),
                "read_data": In(32),
                "read_unknown": In(1),
                "write_unknown": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        bus = self.bus
        accept = Signal()
        m.d.comb += [
            accept.eq(bus.awvalid & bus.wvalid & ~bus.bvalid),
            bus.awready.eq(accept),
            bus.wready.eq(accept),
            self.write_enable.eq(accept & (bus.wstrb == 0xF) & ~self.write_unknown),
            self.write_address.eq(bus.awaddr),
            self.write_data.eq(bus.wdata),
        ]
        with m.If(accept):
            m.d.sync += [
                bus.bvalid.eq(1),
                bus.bresp.eq(((bus.wstrb != 0xF) | self.write_unknown) << 1),
            ]
        with m.Elif(bus.bready):
            m.d.sync += bus.bvalid.eq(0)

        pending = Signal(2)
        m.d.comb += bus.arready.eq((pending == 0) & ~bus.rvalid)
        m.d.sync += pending.eq((pending << 1) | (bus.arvalid & bus.arready))
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += self.read_address.eq(bus.araddr)
        with m.If(pending[1]):
            m.d.sync += [
                bus.rvalid.eq(1),
                bus.rdata.eq(self.read_data),
                bus.rresp.eq(self.read_unknown << 1),
            ]
        with m.Elif(bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        return m
