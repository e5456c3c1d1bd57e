"""Faults one can put into the generated RTL to watch the verification find them.

A fault replaces one function of the generator while the Verilog is made; the design itself knows
nothing of faults.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Cat, Const, Module, Mux, Value

from bitwright.isa import Architecture
from bitwright.rtl import TOP, Top
from bitwright.rtl.align import bump_mask
from bitwright.rtl.product import product
from bitwright.rtl.rounding import Remainder
from bitwright.sim.verilog import simulation_verilog


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect: what it is, and the function of the generator it stands in for."""

    name: str
    description: str
    target: str
    replacement: Callable[..., Any]


def _floor(m: Module, cut: Remainder, rounding: Value, built: Sequence[str]) -> Value:
    return Const(0)


def _no_carry(acc: Value, element: Value) -> Value:
    cut = 10
    low = (acc[:cut] + element[:cut])[:cut]
    high = acc[cut:].as_signed() + element[cut:].as_signed()
    return Cat(low, high[: len(acc) - cut]).as_signed()


def _negated(a: Value, b: Value, style: str) -> Value:
    value = product(a, b, style)
    # Wrong for one code of the activations alone.
    return Mux(a == -3, -value, value)


def _no_bump(offset: Value, lanes: int) -> Value:
    return bump_mask(offset, lanes) & ~(1 << 0)


def _unmasked(m: Module, bits: Value, width: int) -> Value:
    return Const((1 << width) - 1, width)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "rounding",
            "the lanes' rounding is flipped: floor instead of the named one",
            "bitwright.rtl.lane.rounds_up",
            _floor,
        ),
        Fault(
            "carry",
            "the PEs' accumulators drop the carry from bit 9 to bit 10",
            "bitwright.rtl.pe.accumulate",
            _no_carry,
        ),
        Fault(
            "address",
            "lane 0 of an unaligned read takes the row above the right one",
            "bitwright.rtl.readpath.bump_mask",
            _no_bump,
        ),
        Fault(
            "sign",
            "products with the activation code -3 have the wrong sign",
            "bitwright.rtl.multiplier.product",
            _negated,
        ),
        Fault(
            "mask",
            "the XNOR engine counts what lies behind a pixel's last channel; binary layers alone",
            "bitwright.rtl.xnor.counting",
            _unmasked,
        ),
    )
}


@lru_cache(maxsize=2)
def faulty_verilog(architecture: Architecture, fault: Fault) -> str:
    """The accelerator with the fault in it, kept: a replay needs it again."""
    with patch(fault.target, fault.replacement):
        return simulation_verilog(Top(architecture), TOP)


def find_fault(name: str) -> Fault:
    """The fault of a name; an unknown one is an error that lists them."""
    if name not in FAULTS:
        raise ValueError(f"fault {name!r} is not one of {', '.join(FAULTS)}")
    return FAULTS[name]
