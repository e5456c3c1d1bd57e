"""In how many bits two words differ, and how far that is from a number."""

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import timing
from bitwright.rtl.ecp5.popcount import mapped_difference
from bitwright.rtl.technology import Ecp5

LATENCY = timing.PE_LATENCY
COUNT_CYCLES = LATENCY - 1
"""From two words to the number of bits in which they differ."""
_PART = 64
"""Bits a word operation takes in at once: what a simulator's machine word holds."""


class XnorDifference(wiring.Component):
    """``difference`` = ``bits`` - 2 popcount(``a`` xor ``b``): the sum of ``bits`` products of ±1.

    The twin is `bitwright.arith.xnor_dot`. Latency: ``a`` and ``b`` in cycle t, ``bits`` in cycle
    t + 3, ``difference`` in t + 4. Throughput: a pair of words per cycle. Handshake: none. No
    register is reset.

    Parameters: ``width``, a power of two from 4 on.
    """

    LATENCY = LATENCY

    def __init__(self, width: int) -> None:
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
        if isinstance(platform, Ecp5):
            difference = mapped_difference(m, self.a, self.b, self.bits)
        else:
            difference = self.bits - 2 * _count(m, self.a ^ self.b)
        m.d.sync += self.difference.eq(difference)
        return m


def _count(m: Module, word: Value) -> Value:
    """The ones in ``word``, three cycles later: by fours, by sixteens, then all together."""
    fours: list[Value] = []
    for start in range(0, len(word), _PART):
        part = word[start : start + _PART]
        counts = Signal(len(part), name=f"fours_{start}", reset_less=True)
        m.d.sync += counts.eq(_by_fours(m, part, f"_{start}"))
        fours += [counts[n : n + 4][:3] for n in range(0, len(part), 4)]
    sixteens: list[Value] = []
    for n in range(0, len(fours), 4):
        count = Signal(range(17), name=f"sixteen_{n // 4}", reset_less=True)
        m.d.sync += count.eq(_sum(fours[n : n + 4]))
        sixteens.append(count)
    total = Signal(range(len(word) + 1), name="count", reset_less=True)
    m.d.sync += total.eq(_sum(sixteens))
    return total


def _by_fours(m: Module, word: Value, name: str) -> Value:
    """The ones in each four bits, as a number in their place.

    Adders of two and of four bits as operations on whole words: a lookup table per bit of a sum,
    and few instructions for a simulator.
    """
    bits = len(word)

    def every(distance: int) -> Const:
        return Const(sum(1 << n for n in range(0, bits, distance)), bits)

    def kept(value: Value, what: str) -> Signal:
        signal = Signal(bits, name=f"{what}{name}")
        m.d.comb += signal.eq(value)
        return signal

    beside = kept(word >> 1, "beside")
    ones = kept((word ^ beside) & every(2), "ones")
    twos = kept(word & beside & every(2), "twos")
    other_ones, other_twos = kept(ones >> 2, "other_ones"), kept(twos >> 2, "other_twos")
    carry, differ = kept(ones & other_ones, "carry"), kept(twos ^ other_twos, "differ")
    low = (ones ^ other_ones) & every(4)
    middle = kept((differ ^ carry) & every(4), "middle")
    high = kept(((twos & other_twos) | (carry & differ)) & every(4), "high")
    return low | Cat(Const(0, 1), middle)[:bits] | Cat(Const(0, 2), high)[:bits]


def _sum(values: list[Value]) -> Value:
    """Of all, as a tree of adders."""
    while len(values) > 1:
        values = [
            values[n] + values[n + 1] if n + 1 < len(values) else values[n]
            for n in range(0, len(values), 2)
        ]
    return values[0]
