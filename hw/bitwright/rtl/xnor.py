"""The XNOR-popcount engine: products of ±1, a word of them per row and cycle."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.delay import delay_line, registered
from bitwright.rtl.ecp5.carry import accumulated_where
from bitwright.rtl.popcount import COUNT_CYCLES, XnorDifference
from bitwright.rtl.popcount import LATENCY as DIFFERENCE_CYCLES
from bitwright.rtl.technology import Ecp5

AHEAD = 2
"""Cycles by which the number of bits that count comes before the word."""


def counting(m: Module, bits: Value, width: int) -> Value:
    """A mask of the first ``bits`` of a word, `AHEAD` cycles later."""
    behind = Signal.like(bits, name="behind")
    mask = Signal(width, name="mask", reset_less=True)
    m.d.sync += [behind.eq(width - bits), mask.eq(Const((1 << width) - 1, width) >> behind)]
    return mask


class XnorEngine(wiring.Component):
    """R rows of W = 8 ``lanes`` bits; row i is an output pixel, and C channels take turns in it.

    A row holds an activation word for C cycles. In these the weight words of a tile's channels
    0..C-1 pass, a cycle later in each row than in the one before, and the row adds ``bits`` - 2
    popcount(activation xor weight) to the channel's sum, which comes around every C cycles: a delay
    line is its accumulator. So the sums of a tile leave while the next one runs, at the lanes in
    the very cycle in which the array's would be.

    What lies behind the first ``bits`` of a word does not count: activations are masked at the one
    place they come from, and weights are 0 there. A word that is not ``valid`` adds nothing.

    The twin is `bitwright.arith.xnor_dot`. Latency: a row's word in cycle t, its channel c's sum in
    ``result`` in cycle t + C + 6 + c. Throughput: R W products per cycle, tiles back to back.
    Handshake: none.

    Members: ``word`` is that of row ``slot`` where ``take`` was high, both a cycle before, and
    ``valid`` tells whether it is within the image; ``weight`` comes a cycle behind ``word``. From
    row 0's word on, for C cycles each: ``bits`` (`AHEAD` cycles before) is the number of bits that
    count, ``first`` replaces the sums, ``last`` lets them out; other results are zero.
    """

    LATENCY = timing.PE_LATENCY + timing.ROW_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._rows, self._columns = architecture.rows, architecture.columns
        self._sum_bits = architecture.accumulator_bits
        self._width = width = 8 * architecture.lanes
        super().__init__(
            {
                "take": In(1),
                "slot": In(range(architecture.lanes)),
                "word": In(width),
                "valid": In(1),
                "bits": In(unsigned(width.bit_length())),
                "first": In(1),
                "last": In(1),
                "weight": In(width),
                "result": Out(ArrayLayout(signed(self._sum_bits), architecture.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        rows, columns = self._rows, self._columns
        masked, takes = Signal(self._width), Signal(rows)
        m.d.comb += masked.eq(self.word & counting(m, self.bits, self._width))
        m.d.sync += takes.eq(Mux(self.take, 1 << self.slot, 0))

        # Row 0's, from the cycle of a word on; row i's are i cycles later.
        to_sum = 1 + DIFFERENCE_CYCLES
        counted = registered(m, self.bits, AHEAD + 1 + COUNT_CYCLES, "bits")
        first = delay_line(m, self.first, to_sum + rows - 1, "first")
        last = delay_line(m, self.last, to_sum + columns + rows - 1, "last")
        place = Signal(range(columns))
        m.d.sync += place.eq(place + 1)

        weight = self.weight
        for row in range(rows):
            held = Signal(self._width, name=f"held_{row}", reset_less=True)
            inside = Signal(name=f"inside_{row}")
            with m.If(takes[row]):
                m.d.sync += [held.eq(masked), inside.eq(self.valid)]
            m.submodules[f"difference_{row}"] = difference = XnorDifference(self._width)
            m.d.comb += [
                difference.a.eq(held),
                difference.b.eq(weight),
                difference.bits.eq(counted),
            ]
            adds = registered(m, inside, DIFFERENCE_CYCLES, f"inside_{row}")
            total = self._comes_around(
                m,
                platform,
                row,
                place,
                difference.difference,
                adds=adds,
                clear=first[to_sum + row],
            )
            with m.If(last[to_sum + columns + row]):
                m.d.sync += self.result[row].eq(total)
            with m.Else():
                m.d.sync += self.result[row].eq(0)
            weight = registered(m, weight, 1, f"weight_{row}")
            counted = registered(m, counted, 1, f"bits_{row}")
        return m

    def _comes_around(
        self,
        m: Module,
        platform: object,
        row: int,
        place: Signal,
        difference: Value,
        *,
        adds: Value,
        clear: Value,
    ) -> Signal:
        """The sum of C cycles ago; it, or 0, and the difference are that of C cycles on."""
        bits = self._sum_bits
        m.submodules[f"sums_{row}"] = sums = Memory(
            shape=unsigned(bits), depth=self._columns, init=[]
        )
        keep, recall = sums.write_port(), sums.read_port(domain="comb")
        total = Signal(bits, name=f"total_{row}", reset_less=True)
        if isinstance(platform, Ecp5):
            following = accumulated_where(m, total, clear, difference, adds)
        else:
            following = Mux(clear, 0, total) + Mux(adds, difference, 0)
        m.d.comb += [
            keep.en.eq(1),
            keep.addr.eq(place),
            keep.data.eq(following),
            recall.addr.eq((place + 1)[: len(place)]),
        ]
        m.d.sync += total.eq(recall.data)
        return total
