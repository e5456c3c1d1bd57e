"""Two processing elements side by side: multiply and accumulate."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.ecp5.carry import accumulated
from bitwright.rtl.multiplier import PairMultiplier
from bitwright.rtl.technology import Ecp5


def accumulate(acc: Value, element: Value) -> Value:
    """acc + element, wrapping at the accumulator's width."""
    return acc + element


class ElementPair(wiring.Component):
    """acc_n = sum of activation x weight_n over a tile; the twin is `bitwright.arith.matmul`.

    Both elements take the same activation in the same cycle, so that one multiplier block can serve
    them; the second one's product waits a cycle, and its sum is due a cycle after the first one's,
    as a neighbour's to the right is in a systolic array.

    Latency: an element at the inputs in cycle t is in ``acc_0`` in cycle t + 4 and in ``acc_1`` in
    cycle t + 5. Throughput: one element each per cycle, tiles back to back: ``first_n``, high in
    the cycle before an element is in ``acc_n``, replaces the sum instead of adding to it, so no
    cycle is spent on clearing. Handshake: none; the array is a rigid pipeline. No register is
    reset: a sum means something from its tile's first element on.
    """

    LATENCY = timing.PE_LATENCY

    def __init__(self, architecture: Architecture, style: str | None = None) -> None:
        self._style = style or architecture.pe_multiplier
        bits = architecture.accumulator_bits
        super().__init__(
            {
                "activation": In(signed(8)),
                "weight_0": In(signed(8)),
                "weight_1": In(signed(8)),
                "first_0": In(1),
                "first_1": In(1),
                "acc_0": Out(signed(bits)),
                "acc_1": Out(signed(bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.multiplier = multiplier = PairMultiplier(self._style)
        m.d.comb += [
            multiplier.activation.eq(self.activation),
            multiplier.weight_0.eq(self.weight_0),
            multiplier.weight_1.eq(self.weight_1),
        ]
        for first, product, port in (
            (self.first_0, multiplier.product_0, self.acc_0),
            (self.first_1, multiplier.product_1, self.acc_1),
        ):
            acc = Signal.like(port, name="acc", reset_less=True)
            if isinstance(platform, Ecp5):
                total = accumulated(m, acc, first, product)
            else:
                total = accumulate(Mux(first, 0, acc), product)
            m.d.sync += acc.eq(total)
            m.d.comb += port.eq(acc)
        return m
