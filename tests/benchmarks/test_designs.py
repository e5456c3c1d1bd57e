"""A component alone has plain ports, and the registers of its neighbours."""

from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from benchmarks.designs import Alone


class Chosen(wiring.Component):
    """The first of two values, or the second."""

    second: In(1)
    values: In(ArrayLayout(signed(4), 2))
    found: Out(signed(4))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.found.eq(self.values[self.second])
        return m


def test_inputs_come_from_registers_but_the_direct_ones() -> None:
    alone = Alone("chosen", Chosen(), direct=("second",))

    async def bench(ctx) -> None:
        ctx.set(alone.values, 0x3C)
        ctx.set(alone.second, 1)
        assert ctx.get(alone.found) == 0
        await ctx.tick()
        assert ctx.get(alone.found) == 0x3
        ctx.set(alone.second, 0)
        assert ctx.get(alone.found) == 0xC  # a plain vector: -4 has lost its sign

    simulator = Simulator(alone)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
