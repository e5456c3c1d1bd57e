"""Products, as the tools' multiplier blocks or as adders."""

from functools import reduce
from operator import add

from amaranth.hdl import Mux, Value


def times(value: Value, factor: int) -> Value:
    """``value`` x a positive constant, of adders: synthesis would take a multiplier block."""
    return reduce(add, (value << n for n in range(factor.bit_length()) if factor >> n & 1))


def product(a: Value, b: Value, style: str) -> Value:
    """a b, exact: ``lut`` adds partial products, any other style leaves the operator to synthesis.

    The twin is Python's ``*``; both styles are shown equal exhaustively for 8 x 8 bits.
    """
    if style != "lut":
        return a * b
    # One row per bit of b; the top bit of a signed b weighs -2^(n-1).
    rows = []
    for n in range(len(b)):
        row = (Mux(b[n], a, 0) << n) if n else Mux(b[n], a, 0)
        rows.append(-row if b.shape().signed and n == len(b) - 1 else row)
    return reduce(add, rows)
