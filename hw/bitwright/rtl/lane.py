"""One post-processing lane: from an accumulator to an output code."""

from itertools import pairwise

from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.config import LaneConfig, ParameterRecord
from bitwright.rtl.product import product
from bitwright.rtl.rounding import rounding_increment


class Lane(wiring.Component):
    """code = clamp(zp + round(((acc + bias) m + (r - zr) mr) / 2^shift), low, high).

    The twins are `bitwright.arith.requantize` and `requantize_sum`. Latency: 8 cycles.
    Throughput: one code per cycle. Handshake: none; ``config`` is stable while codes are under way.

    Limits: acc + bias lies in signed 32 bits (the compiler proves it).
    """

    LATENCY = timing.LANE_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        super().__init__(
            {
                "config": In(LaneConfig()),
                "acc": In(signed(architecture.accumulator_bits)),
                "residual": In(signed(8)),
                "parameters": In(ParameterRecord()),
                "code": Out(signed(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        config, style = self.config, self._architecture.lane_multiplier
        multiplier_bits = self._architecture.multiplier_bits
        residual_bits = self._architecture.residual_bits
        shifts = [Signal(6, name=f"shift_{n}") for n in range(1, 6)]
        m.d.sync += shifts[0].eq(self.parameters.shift)
        for earlier, later in pairwise(shifts):
            m.d.sync += later.eq(earlier)

        # 1: bias and zero point.
        biased, centred = Signal(signed(32)), Signal(signed(9))
        multiplier, residual_multiplier = Signal(multiplier_bits), Signal(max(residual_bits, 1))
        m.d.sync += [
            biased.eq(self.acc + self.parameters.bias),
            centred.eq(Mux(config.residual, self.residual - config.residual_zero_point, 0)),
            multiplier.eq(self.parameters.multiplier),
            residual_multiplier.eq(self.parameters.residual_multiplier),
        ]
        # 2: products; 3: their sum. |biased m| < 2^62 and |centred mr| < 2^40, so 64 bits hold it.
        scaled = Signal(signed(32 + multiplier_bits))
        total = Signal(signed(34 + multiplier_bits))
        half = Signal(63)
        m.d.sync += [
            scaled.eq(product(biased, multiplier, style)),
            half.eq((Const(1, 63) << shifts[1])[1:]),
        ]
        if residual_bits:
            added = Signal(signed(9 + residual_bits))
            total = Signal(signed(max(34 + multiplier_bits, 11 + residual_bits)))
            m.d.sync += added.eq(product(centred, residual_multiplier, style))
            m.d.sync += total.eq(scaled + added)
        else:
            m.d.sync += total.eq(scaled)
        # 4: the rounding; 5 and 6: the shift, first by eights.
        increment = rounding_increment(
            m, total, shifts[2], half, config.rounding, self._architecture.roundings
        )
        rounded = Signal(signed(max(len(total), 64) + 2))
        coarse = Signal(signed(len(rounded)))
        quotient = Signal(signed(16))
        fine = Signal(signed(len(rounded)))
        m.d.comb += fine.eq(coarse >> shifts[4][:3])
        limit = 1 << 14
        m.d.sync += [
            rounded.eq(total + increment),
            coarse.eq(rounded >> (shifts[3][3:] << 3)),
            # 10 bits decide every clamp; far beyond it only the sign matters.
            quotient.eq(Mux(fine >= limit, limit, Mux(fine < -limit, -limit, fine))),
        ]
        # 7: output zero point; 8: clamp.
        offset = Signal(signed(17))
        m.d.sync += offset.eq(quotient + config.zero_point)
        m.d.sync += self.code.eq(
            Mux(offset > config.high, config.high, Mux(offset < config.low, config.low, offset))
        )
        return m
