"""The vector lanes: windowed operations on words of channels."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import VectorOp
from bitwright.rtl.delay import delay_line, registered
from bitwright.rtl.multiplier import PRODUCT_CYCLES, byte_product


class VectorLanes(wiring.Component):
    """Per lane, over a window: maximum, OR, sum, or the sum of products with a weight word.

    Pooling, depthwise convolution, addition and copies; the twins are the pooling layers and
    depthwise `bitwright.arith.conv2d`. Latency: the window's last word in cycle t, ``acc`` in cycle
    t + 5. Throughput: one word per cycle, windows back to back. Handshake: none.

    With DEPTHWISE the sums are not its own but the `DepthwiseEngine`'s, of a cycle before.
    """

    LATENCY = timing.VECTOR_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "op": In(VectorOp),
                "word": In(ArrayLayout(signed(8), lanes)),
                "weight": In(ArrayLayout(signed(8), lanes)),
                "valid": In(1),
                "first": In(1),
                "window_sums": In(ArrayLayout(signed(architecture.accumulator_bits), lanes)),
                "acc": Out(ArrayLayout(signed(architecture.accumulator_bits), lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        made = PRODUCT_CYCLES + 1
        valid, first = (
            delay_line(m, flag, made, name)[-1]
            for flag, name in ((self.valid, "valid"), (self.first, "first"))
        )
        for lane in range(self._architecture.lanes):
            element = Signal(signed(16), name=f"element_{lane}", reset_less=True)
            acc = Signal(
                signed(self._architecture.accumulator_bits), name=f"acc_{lane}", reset_less=True
            )
            word, weight = self.word[lane], self.weight[lane]
            weighted = byte_product(m, platform, word, weight, self._architecture.lane_multiplier)
            word = registered(m, word, PRODUCT_CYCLES, f"word_{lane}")
            with m.If(self.op == VectorOp.MAC):
                m.d.sync += element.eq(weighted)
            with m.Else():
                m.d.sync += element.eq(word)
            with m.If(valid):
                with m.If(first):
                    m.d.sync += acc.eq(element)
                with m.Elif(self.op == VectorOp.MAX):
                    m.d.sync += acc.eq(Mux(element > acc, element, acc))
                if self._architecture.xnor:
                    with m.Elif(self.op == VectorOp.OR):
                        m.d.sync += acc.eq(element | acc)
                with m.Else():
                    m.d.sync += acc.eq(acc + element)
            m.d.sync += self.acc[lane].eq(acc)
            if self._architecture.line_words:
                with m.If(self.op == VectorOp.DEPTHWISE):
                    m.d.sync += self.acc[lane].eq(self.window_sums[lane])
        return m
