"""Rounded right shifts: the twin of `bitwright.arith.shift_round`."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Module, Signal, Value

from bitwright.isa.instructions import RoundingCode


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a shift has cut off, as far as a rounding asks."""

    odd: Value
    """The floor's last bit."""
    half: Value
    """The highest bit cut off: the remainder is a half or more."""
    more: Value
    """Any bit below it is set."""
    negative: Value
    """The number itself is below zero."""


def rounds_up(m: Module, cut: Remainder, rounding: Value, built: Sequence[str]) -> Value:
    """Whether the rounded quotient is one more than the floor, in the ``rounding`` asked for."""
    up = Signal()
    formula = {
        "half_up": cut.half,
        "half_even": cut.half & (cut.more | cut.odd),
        "half_away": cut.half & (cut.more | ~cut.negative),
        "floor": 0,
        "trunc": cut.negative & (cut.half | cut.more),
    }
    with m.Switch(rounding):
        for name in built:
            with m.Case(int(RoundingCode[name])):
                m.d.comb += up.eq(formula[name])
    return up
