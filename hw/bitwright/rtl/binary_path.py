"""What the XNOR engine gets of a walk, and what becomes of the lanes' signs."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.delay import delayed, registered
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.walker import Walker
from bitwright.rtl.xnor import AHEAD, XnorEngine


def xnor_results(
    m: Module,
    architecture: Architecture,
    config: data.View,
    walker: Walker,
    window: ReadPath,
    weight: Value,
) -> Any:
    """The sums of binary instructions, row by row; 0 while there are none.

    ``weight`` comes `READ_LATENCY` + 1 cycles after its request, as the array's does.
    """
    m.submodules.xnor = engine = XnorEngine(architecture)
    binary, width = config.walk.binary, 8 * architecture.lanes
    bits = Signal.like(engine.bits, name="word_bits")
    m.d.comb += bits.eq(Mux(walker.segment_end, config.last_bits, width))
    at_word = timing.READ_LATENCY
    asked: dict[str, tuple[Any, int]] = {
        "take": (walker.valid & binary, at_word - 1),
        "slot": (walker.slot, at_word - 1),
        "bits": (bits, at_word - AHEAD),
        "first": (walker.first_word & binary, at_word),
        "last": (walker.last_word & binary, at_word),
    }
    m.d.comb += [
        *(
            getattr(engine, port).eq(delayed(m, value, cycles, f"xnor_{port}"))
            for port, (value, cycles) in asked.items()
        ),
        engine.word.eq(window.word.as_value()),
        engine.valid.eq(window.begins_inside),
        engine.weight.eq(weight),
    ]
    return engine.result


class SignCollector(wiring.Component):
    """The last C signs of each row's lane as bytes, channel after channel from the lowest bit on.

    A lane told to clamp 1 + acc + bias to 0..1 gives a sign as its code. ``invert`` comes with the
    accumulator, ``code`` when the lane has made it. Latency: a code in cycle t, row ``select`` has
    it in ``word`` in t + 1. Handshake: none.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._rows, self._columns = architecture.rows, architecture.columns
        super().__init__(
            {
                "code": In(ArrayLayout(unsigned(1), self._rows)),
                "invert": In(ArrayLayout(unsigned(1), self._rows)),
                "select": In(range(architecture.lanes)),
                "word": Out(ArrayLayout(8, self._columns // 8)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        collected = []
        for row in range(self._rows):
            invert = registered(m, self.invert[row], timing.LANE_LATENCY, f"invert_{row}")
            signs = Signal(self._columns, name=f"signs_{row}", reset_less=True)
            m.d.sync += signs.eq(Cat(signs[1:], self.code[row] ^ invert))
            collected.append(signs)
        with m.Switch(self.select):
            for row, signs in enumerate(collected):
                with m.Case(row):
                    m.d.comb += self.word.as_value().eq(signs)
        return m
