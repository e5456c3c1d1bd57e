"""One post-processing lane: from an accumulator to an output code."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.config import LaneConfig, ParameterRecord
from bitwright.rtl.delay import registered
from bitwright.rtl.ecp5.wide import wide_product
from bitwright.rtl.product import product
from bitwright.rtl.rounding import Remainder, rounds_up
from bitwright.rtl.technology import Ecp5

_PRODUCT_CYCLES = 4
_COARSE_BITS = 24
_QUOTIENT_BITS = 11


def lane_product(m: Module, platform: object, a: Value, b: Value, style: str) -> Value:
    """a b, 4 cycles later, with registers for the blocks a wide product is made of."""
    if isinstance(platform, Ecp5) and style == "dsp":
        return wide_product(m, a, b)
    return registered(m, product(a, b, style), _PRODUCT_CYCLES, "scaled")


class Lane(wiring.Component):
    """code = clamp(zp + round(((acc + bias) m + (r - zr) mr) / 2^shift), low, high).

    The twins are `bitwright.arith.requantize` and `requantize_sum`. Latency: 12 cycles.
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
        shifts = [self.parameters.shift[:6]]
        for n in range(1, 9):
            shift = Signal(6, name=f"shift_{n}", reset_less=True)
            m.d.sync += shift.eq(shifts[-1])
            shifts.append(shift)

        # 1: bias and zero point.
        biased, centred = (Signal(signed(bits), reset_less=True) for bits in (32, 9))
        multiplier = Signal(multiplier_bits, reset_less=True)
        residual_multiplier = Signal(max(residual_bits, 1), reset_less=True)
        m.d.sync += [
            biased.eq(self.acc + self.parameters.bias),
            centred.eq(Mux(config.residual, self.residual - config.residual_zero_point, 0)),
            multiplier.eq(self.parameters.multiplier),
            residual_multiplier.eq(self.parameters.residual_multiplier),
        ]
        # 2 to 5: the products. 6: their sum, of 64 bits at most: |biased m| < 2^(31 +
        # multiplier_bits), |centred mr| < 2^(8 + residual_bits).
        scaled = lane_product(m, platform, biased, multiplier, style)
        bits = 32 + multiplier_bits
        if residual_bits:
            bits = max(bits, 9 + residual_bits) + 1
            scaled = scaled + lane_product(m, platform, centred, residual_multiplier, style)
        total = Signal(signed(bits), reset_less=True)
        m.d.sync += total.eq(scaled)

        # 7 to 9: the shift, first by eights; 10: rounding and output zero point.
        coarse, below = self._shift_by_eights(m, total, shifts[7][3:])
        quotient, cut = self._shift_within_eight(m, coarse, below, shifts[8][:3])
        up = Signal()
        m.d.sync += up.eq(rounds_up(m, cut, config.rounding, self._architecture.roundings))
        widened, zero_point = Signal(signed(13)), Signal(signed(13))
        offset = Signal(signed(13), reset_less=True)
        m.d.comb += [widened.eq(quotient), zero_point.eq(config.zero_point)]
        # One adder for quotient + zero point + up: the bit below carries `up` in.
        m.d.sync += offset.eq((Cat(Const(1, 1), widened) + Cat(up, zero_point))[1:14])
        # 11 and 12: clamp.
        over, under, kept = Signal(), Signal(), Signal(8, reset_less=True)
        m.d.sync += [over.eq(offset > config.high), under.eq(offset < config.low), kept.eq(offset)]
        m.d.sync += self.code.eq(Mux(over, config.high, Mux(under, config.low, kept)))
        return m

    def _shift_by_eights(self, m: Module, total: Signal, eights: Value) -> tuple[Signal, Signal]:
        """2 total >> 8 eights, saturated to 24 bits, in two cycles; and whether a bit was cut off.

        ``eights`` come a cycle behind ``total``, when it is known what each shift would lose.

        The doubling keeps the bit that decides the rounding. What 24 bits cannot hold is still
        beyond every clamp after the shift by up to 7 that follows.
        """
        doubled = Signal(signed(8 * 7 + _COARSE_BITS))
        m.d.comb += doubled.eq(total << 1)
        taken, fits, cut = Signal(_COARSE_BITS), Signal(), Signal()
        # From the top: do all bits from 8 k + 23 on equal the sign?
        alike = [Const(1, 1)]
        for k in reversed(range(7)):
            low = 8 * k + _COARSE_BITS - 1
            same = ~(doubled[low : low + 8] ^ doubled[-1].replicate(8)).any()
            alike.insert(0, alike[0] & same)
        set_below = [Const(0, 1)]
        for k in range(1, 8):
            set_below.append(set_below[-1] | doubled[8 * k - 8 : 8 * k].any())
        alike, set_below = (
            registered(m, Cat(bits), 1, name)
            for bits, name in ((alike, "alike"), (set_below, "set_below"))
        )
        doubled = registered(m, doubled, 1, "doubled")
        sign = doubled[-1]
        with m.Switch(eights):
            for k in range(8):
                with m.Case(k):
                    m.d.comb += [
                        taken.eq(doubled[8 * k : 8 * k + _COARSE_BITS]),
                        fits.eq(alike[k]),
                        cut.eq(set_below[k]),
                    ]
        coarse = Signal(signed(_COARSE_BITS), reset_less=True)
        below = Signal(reset_less=True)
        furthest = Cat((~sign).replicate(_COARSE_BITS - 1), sign)
        m.d.sync += [coarse.eq(Mux(fits, taken, furthest)), below.eq(cut)]
        return coarse, below

    def _shift_within_eight(
        self, m: Module, coarse: Signal, below: Signal, ones: Value
    ) -> tuple[Signal, Remainder]:
        """The floor, saturated to 11 bits (2^10 is beyond every clamp), and what was cut off."""
        shifted = Signal(signed(_COARSE_BITS))
        sign = coarse[-1]
        m.d.comb += shifted.eq(coarse >> ones)
        floor = shifted[1:]
        fits = ~(
            floor[_QUOTIENT_BITS - 1 :] ^ sign.replicate(len(floor) - _QUOTIENT_BITS + 1)
        ).any()
        furthest = Cat((~sign).replicate(_QUOTIENT_BITS - 1), sign)
        quotient = Signal(signed(_QUOTIENT_BITS), reset_less=True)
        m.d.sync += quotient.eq(Mux(fits, floor[:_QUOTIENT_BITS], furthest))
        more = below | (coarse[:7] & ((1 << ones) - 1)[:7]).any()
        return quotient, Remainder(odd=shifted[1], half=shifted[0], more=more, negative=sign)
