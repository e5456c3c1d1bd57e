"""The output-stationary systolic array."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.delay import delayed
from bitwright.rtl.pe import ProcessingElement


class SystolicArray(wiring.Component):
    """R x C elements; row i is an output pixel, column j an output channel.

    Activations enter skewed: row i's element k in cycle k + i, as the staggered reads deliver
    them. ``weight`` enters unskewed (all columns' k-th weights in cycle k) and is skewed here.
    ``first`` and ``last`` mark row 0's elements and are skewed here.

    The wave of ``last`` through a row is its drain: element (i, j) finishes j cycles after (i, 0),
    so exactly one accumulator of a row finishes per cycle and a bus of one-hot selected sums
    carries row i's results, channel after channel, while the next tile is already running. No
    shadow register is needed, as long as a tile is at least C elements long.

    Latency: row i's channel j is in ``result[i]`` 3 cycles after its last element entered at
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
        grid = [
            [ProcessingElement(self._architecture) for _ in range(columns)] for _ in range(rows)
        ]
        flags = self.first, self.last
        for i, row in enumerate(grid):
            for j, pe in enumerate(row):
                m.submodules[f"pe_{i}_{j}"] = pe
                if j == 0:
                    first, last = (
                        delayed(m, flag, i, f"{name}_row")
                        for flag, name in zip(flags, ("first", "last"), strict=True)
                    )
                    m.d.comb += [
                        pe.activation.eq(self.activation[i]),
                        pe.first.eq(first),
                        pe.last.eq(last),
                    ]
                else:
                    left = row[j - 1]
                    m.d.comb += [
                        pe.activation.eq(left.activation_out),
                        pe.first.eq(left.first_out),
                        pe.last.eq(left.last_out),
                    ]
                above = delayed(m, self.weight[j], j, f"weight_{j}") if i == 0 else None
                m.d.comb += pe.weight.eq(grid[i - 1][j].weight_out if above is None else above)
            finished = Signal(signed(self._architecture.accumulator_bits), name=f"finished_{i}")
            selected = [pe.acc & pe.done.replicate(len(pe.acc)) for pe in row]
            m.d.sync += finished.eq(reduce(or_, selected))
            m.d.comb += self.result[i].eq(finished)
        # Of row 0: the other rows' flags are its own, later; to check all would cost 1 % of speed.
        done = Cat(pe.done for pe in grid[0])
        message = "array: two sums of a row finish at once; a tile is shorter than its columns"
        check(m, platform, (done & (done - 1)) == 0, message)
        return m
