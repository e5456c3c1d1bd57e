"""Two products of one activation: what a pair of processing elements multiplies with."""

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import timing
from bitwright.rtl.ecp5.block import block_product
from bitwright.rtl.ecp5.multiply import multiply
from bitwright.rtl.ecp5.twin import twin_products
from bitwright.rtl.product import product
from bitwright.rtl.technology import Ecp5

LATENCY = timing.PE_LATENCY - 1


class PairMultiplier(wiring.Component):
    """``product_n`` = activation x weight_n, the second a cycle after the first.

    ``style``: `twin`, both in one multiplier block; `dsp`, a block for each; `lut`, adders.
    Latency: operands in cycle t, ``product_0`` in cycle t + 3, ``product_1`` in t + 4. Throughput:
    a pair per cycle. Handshake: none. No register is reset.
    """

    LATENCY = LATENCY

    def __init__(self, style: str) -> None:
        self._style = style
        super().__init__(
            {
                "activation": In(signed(8)),
                "weight_0": In(signed(8)),
                "weight_1": In(signed(8)),
                "product_0": Out(signed(16)),
                "product_1": Out(signed(16)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        a, w0, w1 = self.activation, self.weight_0, self.weight_1
        if not isinstance(platform, Ecp5):
            first, second = (_portable(m, a, w, self._style) for w in (w0, w1))
            second = _delayed(m, second, 1)
        elif self._style == "twin":
            first, second = twin_products(m, a, w0, w1)
        elif self._style == "dsp":
            first, second = (_delayed(m, block_product(m, a, w), 1) for w in (w0, w1))
            second = _delayed(m, second, 1)
        else:
            a, w0, w1 = (_delayed(m, value, 1) for value in (a, w0, w1))
            first, second = multiply(m, a, w0), _delayed(m, multiply(m, a, w1), 1)
        m.d.comb += [self.product_0.eq(first), self.product_1.eq(second)]
        return m


def _portable(m: Module, a: Value, weight: Value, style: str) -> Value:
    element = Signal(signed(16))
    m.d.comb += element.eq(product(a, weight, style))
    return _delayed(m, element, LATENCY)


def _delayed(m: Module, value: Value, cycles: int) -> Value:
    for _ in range(cycles):
        register = Signal.like(value, name="stage", reset_less=True)
        m.d.sync += register.eq(value)
        value = register
    return value
