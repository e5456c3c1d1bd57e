"""The output-stationary systolic array."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.delay import delay_line
from bitwright.rtl.pe import ElementPair

_GROUP = 4
"""Sums of a row that one OR takes in before a register."""


class SystolicArray(wiring.Component):
    """R x C elements; row i is an output pixel, column j an output channel.

    Activations enter skewed: row i's element k in cycle k + i, as the staggered reads deliver
    them. ``weight`` enters unskewed (all columns' k-th weights in cycle k) and is skewed here.
    ``first`` and ``last`` mark row 0's elements and are skewed here.

    Columns come in pairs that share their activation, see `ElementPair`: an activation moves on by
    a pair every second cycle and both weights of a pair enter together. A row's activations and
    flags are one shift register each, and so are the weights between two rows.

    The wave of ``last`` through a row is its drain: element (i, j) finishes j cycles after (i, 0),
    so exactly one accumulator of a row finishes per cycle and a bus of one-hot selected sums
    carries row i's results, channel after channel, while the next tile is already running. No
    shadow register is needed, as long as a tile is at least C elements long.

    Latency: row i's channel j is in ``result[i]`` 6 cycles after its last element entered at
    (i, j), that is after cycle k_last + i + j. Throughput: R x C products per cycle.
    Handshake: none.
    """

    LATENCY = timing.PE_LATENCY + timing.ROW_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        rows, columns = architecture.rows, architecture.columns
        super().__init__(
            {
                "activation": In(ArrayLayout(signed(8), rows)),
                "first": In(1),
                "last": In(1),
                "weight": In(ArrayLayout(signed(8), columns)),
                "result": Out(ArrayLayout(signed(architecture.accumulator_bits), rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        rows, columns = self._architecture.rows, self._architecture.columns
        pairs = columns // 2
        flags = {
            name: delay_line(m, flag, rows - 1, f"{name}_rows") if rows > 1 else [flag]
            for name, flag in (("first", self.first), ("last", self.last))
        }
        weights = self._skewed_weights(m)
        blocks_left = self._architecture.pe_dsps
        for i in range(rows):
            # What each column's elements see, in steps of a cycle.
            activations = _line(m, self.activation[i], 2 * (pairs - 1), f"activations_{i}")
            first = delay_line(m, flags["first"][i], columns + timing.PE_LATENCY - 2, f"first_{i}")
            done = delay_line(m, flags["last"][i], columns + timing.PE_LATENCY - 1, f"last_{i}")
            sums = []
            for p in range(pairs):
                style, taken = self._style(blocks_left)
                blocks_left -= taken
                m.submodules[f"pair_{i}_{p}"] = pair = ElementPair(self._architecture, style)
                m.d.comb += [
                    pair.activation.eq(activations[2 * p]),
                    pair.weight_0.eq(weights[16 * p : 16 * p + 8]),
                    pair.weight_1.eq(weights[16 * p + 8 : 16 * p + 16]),
                    pair.first_0.eq(first[2 * p + timing.PE_LATENCY - 1]),
                    pair.first_1.eq(first[2 * p + timing.PE_LATENCY]),
                ]
                sums += [pair.acc_0, pair.acc_1]
            complete = Signal(columns, name=f"complete_{i}")
            m.d.comb += [
                complete.eq(Cat(done[timing.PE_LATENCY :])),
                self.result[i].eq(self._drain(m, sums, complete, i)),
            ]
            if i == 0:
                # The other rows' flags are row 0's, later; to check all would cost 1 % of speed.
                message = (
                    "array: two sums of a row finish at once; a tile is shorter than its columns"
                )
                check(m, platform, (complete & (complete - 1)) == 0, message)
            below = Signal(8 * columns, name=f"weights_{i}", reset_less=True)
            m.d.sync += below.eq(weights)
            weights = below
        return m

    def _style(self, blocks_left: int) -> tuple[str, int]:
        """How a pair multiplies, and the multiplier blocks it takes."""
        style = self._architecture.pe_multiplier
        taken = {"twin": 1, "dsp": 2, "lut": 0}[style]
        return (style, taken) if taken <= blocks_left else ("lut", 0)

    def _skewed_weights(self, m: Module) -> Value:
        """Row 0's weights as one word: pair p's are 2 p cycles late."""
        columns = []
        for p in range(self._architecture.columns // 2):
            both = Cat(self.weight[2 * p], self.weight[2 * p + 1])
            columns.append(_line(m, both, 2 * p, f"weight_{p}")[2 * p])
        return Cat(columns)

    def _drain(self, m: Module, sums: list[Value], complete: Value, row: int) -> Value:
        """The sum that is complete, by groups and then of all groups: 2 cycles later."""
        bits = self._architecture.accumulator_bits
        selected = [acc & flag.replicate(bits) for acc, flag in zip(sums, complete, strict=True)]
        groups = []
        for n in range(0, len(selected), _GROUP):
            group = Signal(bits, name=f"group_{row}_{n // _GROUP}", reset_less=True)
            m.d.sync += group.eq(reduce(or_, selected[n : n + _GROUP]))
            groups.append(group)
        finished = Signal(signed(bits), name=f"finished_{row}", reset_less=True)
        m.d.sync += finished.eq(reduce(or_, groups))
        return finished


def _line(m: Module, value: Value, cycles: int, name: str) -> list[Value]:
    """``value`` as it was 0, 1, .. ``cycles`` cycles ago, in one shift register."""
    if not cycles:
        return [value]
    bits = len(value)
    line = Signal(bits * cycles, name=name, reset_less=True)
    m.d.sync += line.eq(Cat(value, line)[: bits * cycles])
    return [value, *(line[bits * n : bits * (n + 1)].as_signed() for n in range(cycles))]
