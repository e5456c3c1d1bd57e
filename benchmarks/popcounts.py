"""Ways to write the counting of differing bits for synthesis to make something of."""

from collections.abc import Callable

from amaranth.hdl import Module, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Inferred(wiring.Component):
    """`XnorDifference` as an expression that synthesis makes something of, and three registers."""

    def __init__(self, width: int, count: Callable[[Module, list[Value]], Value]) -> None:
        self._count = count
        counted = width.bit_length()
        super().__init__(
            {
                "a": In(width),
                "b": In(width),
                "bits": In(unsigned(counted)),
                "difference": Out(signed(counted + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        total = Signal(len(self.bits))
        m.d.sync += total.eq(self._count(m, [a ^ b for a, b in zip(self.a, self.b, strict=True)]))
        m.d.sync += self.difference.eq(self.bits - 2 * total)
        return m


def by_pairs(m: Module, bits: list[Value]) -> Value:
    """Count by a tree of adders of two numbers."""
    while len(bits) > 1:
        bits = [a + b for a, b in zip(bits[::2], bits[1::2], strict=True)]
    return bits[0]


def by_threes(m: Module, bits: list[Value]) -> Value:
    """Count by a tree of full adders, then of adders of two numbers and a bit each."""
    spare = bits[3 * (len(bits) // 4) :]
    numbers = [sum(bits[n : n + 3], start=bits[n] & 0) for n in range(0, len(bits) - len(spare), 3)]
    while len(numbers) > 1:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        numbers = [a + b + spare.pop() for a, b in pairs]
    return numbers[0] + sum(spare, start=bits[0] & 0)


def by_columns(m: Module, bits: list[Value]) -> Value:
    """Count by full adders of logic, each weight's column on its own, until none has three."""
    columns = [list(bits)]
    for n, column in enumerate(columns):
        if len(column) > 2:
            columns.append([])
        while len(column) > 2:
            a, b, c, *column[:] = column
            # Signals, so that a bit used twice is written once.
            low, high = Signal(name="low"), Signal(name="high")
            m.d.comb += [low.eq(a ^ b ^ c), high.eq((a & b) | (c & (a ^ b)))]
            column.append(low)
            columns[n + 1].append(high)
    zero = bits[0] & 0
    return sum((sum(column, start=zero) << n for n, column in enumerate(columns)), start=zero)


CODINGS = {"pairs": by_pairs, "threes": by_threes, "columns": by_columns}
