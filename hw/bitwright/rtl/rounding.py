"""Rounded right shifts: the twin of `bitwright.arith.shift_round`."""

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed

from bitwright.isa.instructions import RoundingCode


def rounding_increment(
    m: Module, total: Value, shift: Value, half: Value, rounding: Value, built: Sequence[str]
) -> Signal:
    """What to add to ``total`` so that the floor of its shift is the rounded quotient.

    With h = 2^(shift-1) (0 for shift 0): half_up h; half_even h - 1 + bit ``shift`` of total;
    half_away h, or h - 1 below zero; floor 0; trunc 0, or 2^shift - 1 below zero.
    """
    increment = Signal(signed(len(half) + 2), name="increment")
    negative = total[-1]
    exact = shift == 0
    bits = Array([total[min(n, len(total) - 1)] for n in range(1 << len(shift))])
    formula = {
        "half_up": lambda: half,
        "half_even": lambda: Mux(exact, 0, half - 1 + bits[shift]),
        "half_away": lambda: Mux(exact, 0, half - negative),
        "floor": lambda: 0,
        "trunc": lambda: Mux(negative & ~exact, (half << 1) - 1, 0),
    }
    with m.Switch(rounding):
        for name in built:
            with m.Case(int(RoundingCode[name])):
                m.d.comb += increment.eq(formula[name]())
    return increment
