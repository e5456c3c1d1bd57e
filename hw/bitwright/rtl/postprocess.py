"""The post-processing lanes with their parameters, and the words their codes form."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import INVERT_BIT
from bitwright.rtl.binary_path import SignCollector
from bitwright.rtl.config import LaneConfig, ParameterRecord
from bitwright.rtl.delay import delayed
from bitwright.rtl.lane import Lane
from bitwright.rtl.serializer import RowSerializers


class PostProcessor(wiring.Component):
    """One `Lane` per word byte, fed by the array's rows or by the vector lanes.

    Parameters enter at lane 0 and move one lane per cycle while ``shift_parameters`` is high: for
    the array, row i's channel j meets channel j's record i cycles after row 0 did; in vector mode
    the chain is filled, last channel first, and stands still. Where the depthwise engine is built,
    the lanes have a register of their own behind the chain: with ``hold``, they keep their records
    while the chain is filled for the next channel tile, until ``take``.

    Latency: an accumulator in cycle t is a code in cycle t + 12. For the array, the word of row
    ``select`` (the last C codes of its lane) is in ``word`` in cycle t + 14, t that of the last
    channel; in vector mode all lanes' codes are in ``word`` in cycle t + 13. With ``signs`` in the
    configuration a row's word is its codes' lowest bits, see `SignCollector`.
    """

    LATENCY = timing.LANE_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes, bits = architecture.lanes, architecture.accumulator_bits
        super().__init__(
            {
                "config": In(LaneConfig()),
                "vector": In(1),
                "row_acc": In(ArrayLayout(signed(bits), architecture.rows)),
                "lane_acc": In(ArrayLayout(signed(bits), lanes)),
                "residual_valid": In(1),
                "residual_slot": In(range(lanes)),
                "residual_word": In(ArrayLayout(8, lanes)),
                "parameters": In(ParameterRecord()),
                "shift_parameters": In(1),
                "hold": In(1),
                "take": In(1),
                "select": In(range(lanes)),
                "word": Out(ArrayLayout(8, lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes, rows = self._architecture.lanes, self._architecture.rows
        columns = self._architecture.columns
        m.submodules.residuals = residuals = RowSerializers(self._architecture)
        m.d.comb += [
            residuals.valid.eq(self.residual_valid & ~self.vector),
            residuals.slot.eq(self.residual_slot),
            residuals.word.eq(self.residual_word),
        ]
        signs = SignCollector(self._architecture) if self._architecture.xnor else None
        record = self.parameters
        codes, words = [], []
        for n in range(lanes):
            m.submodules[f"lane_{n}"] = lane = Lane(self._architecture)
            held = Signal(ParameterRecord(), name=f"parameters_{n}", reset_less=True)
            with m.If(self.shift_parameters):
                m.d.sync += held.eq(record)
            record = held
            if self._architecture.line_words:
                used = Signal(ParameterRecord(), name=f"used_{n}", reset_less=True)
                with m.If(~self.hold | self.take):
                    m.d.sync += used.eq(held)
                held = used
            m.d.comb += [lane.config.eq(self.config), lane.parameters.eq(held)]
            if n < rows:
                m.d.comb += [
                    lane.acc.eq(Mux(self.vector, self.lane_acc[n], self.row_acc[n])),
                    lane.residual.eq(Mux(self.vector, self.residual_word[n], residuals.element[n])),
                ]
                collected = Signal(8 * columns, name=f"collected_{n}", reset_less=True)
                m.d.sync += collected.eq(
                    (collected >> 8) | (lane.code.as_unsigned() << 8 * (columns - 1))
                )
                words.append(collected)
                if signs is not None:
                    m.d.comb += [
                        signs.code[n].eq(lane.code[0]),
                        signs.invert[n].eq(held.shift[INVERT_BIT]),
                    ]
            else:
                m.d.comb += [
                    lane.acc.eq(self.lane_acc[n]),
                    lane.residual.eq(self.residual_word[n]),
                ]
            codes.append(lane.code)
        row_word = Signal(8 * lanes)
        with m.Switch(self.select):
            for row, word in enumerate(words):
                with m.Case(row):
                    m.d.comb += row_word.eq(word)
        if signs is not None:
            m.submodules.signs = signs
            # A row's last word is put together two cycles after its last code, perhaps under the
            # next configuration.
            kept = delayed(m, self.config.signs, 2, "kept")
            m.d.comb += signs.select.eq(self.select)
            with m.If(kept):
                m.d.comb += row_word[:columns].eq(signs.word.as_value())
        for n in range(lanes):
            m.d.sync += self.word[n].eq(Mux(self.vector, codes[n], row_word.word_select(n, 8)))
        return m
