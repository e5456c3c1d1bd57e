"""The processing element: one multiply-accumulate."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.product import product


def accumulate(acc: Value, element: Value) -> Value:
    """acc + element, wrapping at the accumulator's width."""
    return acc + element


class ProcessingElement(wiring.Component):
    """acc = sum of activation x weight over a tile; the twin is `bitwright.arith.matmul`.

    Latency: an element at the inputs in cycle t is in ``acc`` in cycle t + 2; the neighbours see it
    in cycle t + 1. Throughput: one element per cycle, tiles back to back: the element marked
    ``first`` replaces the sum instead of adding to it, so no cycle is spent on clearing, and the
    finished sum stands in ``acc`` during the one cycle ``done`` is high.

    Handshake: none; the array is a rigid pipeline.

    Members: ``activation``, ``first``, ``last`` travel right, ``weight`` travels down, each with
    its ``_out``; ``acc`` and ``done`` go to the row's result bus.
    """

    LATENCY = timing.PE_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._style = architecture.pe_multiplier
        bits = architecture.accumulator_bits
        super().__init__(
            {
                "activation": In(signed(8)),
                "weight": In(signed(8)),
                "first": In(1),
                "last": In(1),
                "activation_out": Out(signed(8)),
                "weight_out": Out(signed(8)),
                "first_out": Out(1),
                "last_out": Out(1),
                "acc": Out(signed(bits)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        element = Signal(signed(16))
        m.d.sync += [
            self.activation_out.eq(self.activation),
            self.weight_out.eq(self.weight),
            self.first_out.eq(self.first),
            self.last_out.eq(self.last),
            element.eq(product(self.activation, self.weight, self._style)),
        ]
        m.d.sync += [
            self.acc.eq(accumulate(Mux(self.first_out, 0, self.acc), element)),
            self.done.eq(self.last_out),
        ]
        return m
