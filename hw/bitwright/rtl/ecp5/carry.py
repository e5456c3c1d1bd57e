"""Carry chains: rows of CCU2C cells, each half a LUT4 with a carry.

A half computes p = f(A, B, C, D), hands its carry on where p is 1 and generates f(A, B, 0, 0) where
p is 0; its sum is p ^ carry. So a half can add more than two bits as long as f(A, B, 0, 0) is the
carry whenever p is 0: the functions below are chosen for that (Lattice FPGA-TN-02234, ECP5 slices).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Instance, Module, Signal, Value


def table(function: Callable[[int, int, int, int], int]) -> int:
    """The INIT of a LUT4; A is the lowest bit of the index."""
    return sum((function(n & 1, n >> 1 & 1, n >> 2 & 1, n >> 3 & 1) & 1) << n for n in range(16))


ADD = table(lambda a, b, c, d: a ^ c)
"""A + C."""
ADD_PRODUCTS = table(lambda a, b, c, d: (a & b) ^ (c & d))
"""A B + C D, where both are single bits: two partial products in one row."""
SUBTRACT_PRODUCT = table(lambda a, b, c, d: 1 ^ (a & b) ^ (c & d))
"""C D - A B, with a carry into the chain."""
ADD_CLEARED = table(lambda a, b, c, d: (a & ~b) ^ c)
"""(B ? 0 : A) + C: an accumulator whose clear costs nothing."""
ADD_CLEARED_WHERE = table(lambda a, b, c, d: (a & ~b) ^ (c & d))
"""(B ? 0 : A) + (D ? C : 0)."""
_EMPTY = 0


@dataclass(frozen=True, slots=True)
class Half:
    """One bit of a chain: the table and its inputs."""

    table: int
    a: Any = 0
    b: Any = 0
    c: Any = 0
    d: Any = 0


def chain(m: Module, halves: Sequence[Half], *, carry: int = 0) -> Value:
    """The sums of the halves, lowest first, with the constant ``carry`` into the lowest."""
    sums: list[Value] = []
    padded = [*halves, *[Half(_EMPTY)] * (len(halves) % 2)]
    link: Value = Const(carry, 1)
    for n in range(0, len(padded), 2):
        even, odd = padded[n], padded[n + 1]
        low, high, out = Signal(), Signal(), Signal()
        m.submodules += Instance(
            "CCU2C",
            p_INIT0=Const(even.table, 16),
            p_INIT1=Const(odd.table, 16),
            p_INJECT1_0="NO",
            p_INJECT1_1="NO",
            i_CIN=link,
            **_inputs(even, 0),
            **_inputs(odd, 1),
            o_S0=low,
            o_S1=high,
            o_COUT=out,
        )
        sums += [low, high]
        link = out
    return Cat(sums)[: len(halves)]


def _inputs(half: Half, n: int) -> dict[str, Value]:
    return {f"i_{port.upper()}{n}": Value.cast(getattr(half, port)) for port in "abcd"}


def extended(value: Value, bits: int) -> Value:
    """``value``, taken as signed, in ``bits`` bits."""
    return Cat(value, value[-1].replicate(max(bits - len(value), 0)))[:bits]


def add(m: Module, x: Value, y: Value, bits: int) -> Value:
    """x + y modulo 2^bits, both signed."""
    x, y = extended(x, bits), extended(y, bits)
    return chain(m, [Half(ADD, a=x[n], c=y[n]) for n in range(bits)])


def accumulated(m: Module, acc: Value, clear: Value, element: Value) -> Value:
    """(clear ? 0 : acc) + element, wrapping at the accumulator's width: one site per bit."""
    element = extended(element, len(acc))
    return chain(m, [Half(ADD_CLEARED, a=acc[n], b=clear, c=element[n]) for n in range(len(acc))])


def accumulated_where(m: Module, acc: Value, clear: Value, element: Value, adds: Value) -> Value:
    """(clear ? 0 : acc) + (adds ? element : 0), likewise."""
    element = extended(element, len(acc))
    halves = [
        Half(ADD_CLEARED_WHERE, a=acc[n], b=clear, c=element[n], d=adds) for n in range(len(acc))
    ]
    return chain(m, halves)
