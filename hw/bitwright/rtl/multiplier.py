"""Two products of one activation: what a pair of processing elements multiplies with."""

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import timing
from bitwright.rtl.delay import registered
from bitwright.rtl.ecp5.block import block_product
from bitwright.rtl.ecp5.multiply import multiply
from bitwright.rtl.ecp5.twin import twin_products
from bitwright.rtl.product import product
from bitwright.rtl.technology import Ecp5

LATENCY = timing.PE_LATENCY - 1
PRODUCT_CYCLES = 2
"""From operands in registers to their product in one."""


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
            first = registered(m, first, LATENCY, "first")
            second = registered(m, second, LATENCY + 1, "second")
        elif self._style == "twin":
            first, second = twin_products(m, a, w0, w1)
        elif self._style == "dsp":
            first, second = (block_product(m, a, w)[:16].as_signed() for w in (w0, w1))
            first = registered(m, first, 1, "first")
            second = registered(m, second, 2, "second")
        else:
            a, w0, w1 = (registered(m, value, 1, "operand") for value in (a, w0, w1))
            first = multiply(m, a, w0)
            second = registered(m, multiply(m, a, w1), 1, "second")
        m.d.comb += [self.product_0.eq(first), self.product_1.eq(second)]
        return m


def byte_product(m: Module, platform: object, a: Value, b: Value, style: str) -> Value:
    """a b for signed bytes, `PRODUCT_CYCLES` later; on the ECP5 of carry chains, in any style.

    A multiplier block there is worth two of the array's products.
    """
    if isinstance(platform, Ecp5):
        return multiply(m, a, b)
    return registered(m, _portable(m, a, b, style), PRODUCT_CYCLES, "product")


def _portable(m: Module, a: Value, b: Value, style: str) -> Value:
    element = Signal(signed(16))
    m.d.comb += element.eq(product(a, b, style))
    return element
