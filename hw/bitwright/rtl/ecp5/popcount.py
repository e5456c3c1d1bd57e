"""Counting the bits in which two words differ, on carry chains: 1.6 LUT sites a bit.

A half of a carry cell adds two differences, f = A ^ B ^ C ^ D, and takes a third one as its carry.
To bring a bit into a chain takes a half that generates it whatever comes in, and to take a carry
out one whose sum is what comes in: one half does both, for one group's end and the next one's
begin. Three differences so become a number of two bits in two halves; two numbers of w bits and a
further difference become one of w + 1 bits in w + 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from amaranth.hdl import Cat, Module, Signal, Value

from bitwright.rtl.ecp5.carry import Half, chain, table

_ADD = table(lambda a, b, c, d: a ^ c)
_ADD_DIFFERENCES = table(lambda a, b, c, d: a ^ b ^ c ^ d)
_SUBTRACT = table(lambda a, b, c, d: 1 ^ a ^ c)
"""C - A, with a carry into the chain."""
_INJECT = table(lambda a, b, c, d: (a ^ b) & ~c)
"""With C 1: the carry in is the sum, A ^ B the carry out."""
_INJECT_EQUAL = table(lambda a, b, c, d: (1 ^ a ^ b) & ~c)
"""With C 1: the carry in is the sum, A == B the carry out."""
_GROUPS = 8
"""Groups in a chain at most: timing analysis follows a carry through all of them."""
_REGISTERS = 3
_LEVELS = 2
"""Of adders before a register; what is left of a wide word's is before the subtraction."""


@dataclass(frozen=True, slots=True)
class _Bit:
    """A difference a ^ b not yet made: a half of a chain makes it on its own."""

    a: Value
    b: Value


@dataclass(slots=True)
class _Tree:
    """Numbers of one width, and differences that no number has taken in."""

    numbers: list[Value]
    spare: list[_Bit] = field(default_factory=list)


def mapped_difference(m: Module, a: Value, b: Value, bits: Value) -> Value:
    """bits - 2 popcount(a ^ b) for a, b in cycle t and bits in cycle t + 3, then.

    Words of 2^n bits: a tree of n - 1 levels takes in all differences but one, which is left to the
    subtraction.
    """
    levels = len(a).bit_length() - 1
    assert len(a) == 1 << levels
    differences = [_Bit(a[n], b[n]) for n in range(len(a))]
    tree = _leaves(m, differences, 1 << levels - 2)
    for stage in range(_REGISTERS):
        # The leaves are the first stage's first level.
        for _ in range(_LEVELS - (stage == 0)):
            tree = _added(m, tree)
        tree = _registered(m, tree, stage)
    while len(tree.numbers) > 1:
        tree = _added(m, tree)
    (count,), (last,) = tree.numbers, tree.spare
    # bits - 2 (count + last): without its lowest bit, bits / 2 - count - 1 + (last ? 0 : 1).
    half = bits[1:]
    width = len(count) + 1  # of a signed number from -len(a) / 2 to len(a) / 2
    halves = [Half(_INJECT_EQUAL, a=last.a, b=last.b, c=1)]
    for n in range(width):
        subtrahend = count[n] if n < len(count) else 0
        halves.append(Half(_SUBTRACT, a=subtrahend, c=half[n] if n < len(half) else 0))
    return Cat(bits[0], chain(m, halves)[1:]).as_signed()


def _leaves(m: Module, differences: list[_Bit], count: int) -> _Tree:
    """``count`` numbers of two bits, of three differences each; the others are left."""
    groups = [differences[3 * n : 3 * n + 3] for n in range(count)]
    numbers: list[Value] = []
    for start in range(0, count, _GROUPS):
        halves: list[Half] = []
        places: list[int] = []
        for first, second, third in groups[start : start + _GROUPS]:
            places.append(len(halves) + 1)
            halves.append(Half(_INJECT, a=first.a, b=first.b, c=1))
            halves.append(Half(_ADD_DIFFERENCES, a=second.a, b=second.b, c=third.a, d=third.b))
        numbers += _numbers(m, halves, places, 2)
    return _Tree(numbers, differences[3 * count :])


def _added(m: Module, tree: _Tree) -> _Tree:
    """Two numbers and a difference to one number, each."""
    numbers, spare = tree.numbers, list(tree.spare)
    if len(numbers) == 1:
        return tree
    width = len(numbers[0])
    pairs = [(numbers[n], numbers[n + 1]) for n in range(0, len(numbers), 2)]
    sums: list[Value] = []
    for start in range(0, len(pairs), _GROUPS):
        halves: list[Half] = []
        places: list[int] = []
        for left, right in pairs[start : start + _GROUPS]:
            bit = spare.pop(0)
            places.append(len(halves) + 1)
            halves.append(Half(_INJECT, a=bit.a, b=bit.b, c=1))
            halves += [Half(_ADD, a=left[n], c=right[n]) for n in range(width)]
        sums += _numbers(m, halves, places, width + 1)
    return _Tree(sums, spare)


def _numbers(m: Module, halves: list[Half], places: Sequence[int], width: int) -> list[Value]:
    """The chain's numbers: each one's highest bit comes out where the next one begins."""
    sums = chain(m, [*halves, Half(_INJECT, c=1)])
    return [sums[place : place + width] for place in places]


def _registered(m: Module, tree: _Tree, stage: int) -> _Tree:
    numbers: list[Value] = []
    for n, number in enumerate(tree.numbers):
        held = Signal(len(number), name=f"number_{stage}_{n}", reset_less=True)
        m.d.sync += held.eq(number)
        numbers.append(held)
    spare = []
    for n, bit in enumerate(tree.spare):
        # Both of its bits: a register more, but no lookup table.
        pair = Signal(2, name=f"spare_{stage}_{n}", reset_less=True)
        m.d.sync += pair.eq(Cat(bit.a, bit.b))
        spare.append(_Bit(pair[0], pair[1]))
    return _Tree(numbers, spare)
