"""Canonical Huffman codes: symbols to bits and back, lengths limited if asked for.

Codes of one length are consecutive numbers in the order of their symbols, so that the lengths
alone say all; a decoder needs, per length, the first code and how many there are. Codes are read
from their greatest bit on.

Sources: D. Huffman, A Method for the Construction of Minimum-Redundancy Codes, 1952; E. Schwartz
and B. Kallick, Generating a Canonical Prefix Encoding, CACM 7 (1964); L. Larmore and D.
Hirschberg, A Fast Algorithm for Optimal Length-Limited Huffman Codes, JACM 37 (1990).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_LENGTH = 16
"""Bits of the longest code unless said otherwise: few enough for a register in hardware."""
LENGTH_BITS = 5
"""Of a length in the stored table: 0, for a symbol that does not occur, up to 31."""

Bits = NDArray[np.uint8]


class HuffmanError(ValueError):
    """A stream that no such code has written; the text says where and what is wrong."""


@dataclass(frozen=True)
class HuffmanCode:
    """A code over the symbols 0 .. len(lengths) - 1.

    >>> code = HuffmanCode.from_counts([5, 1, 0, 2])
    >>> code.lengths, code.codewords
    ((1, 2, 0, 2), ('0', '10', '', '11'))
    >>> bits = code.encode([0, 3, 1, 0]); bits.tolist()
    [0, 1, 1, 1, 0, 0]
    >>> code.decode(bits, 4).tolist()
    [0, 3, 1, 0]
    """

    lengths: tuple[int, ...]
    """Bits of each symbol's code; 0 for symbols that do not occur."""

    def __post_init__(self) -> None:
        used = [length for length in self.lengths if length]
        if not used or min(self.lengths) < 0 or max(used) >= 1 << LENGTH_BITS:
            raise ValueError(
                f"lengths must lie in 0..{(1 << LENGTH_BITS) - 1}, not all 0, not {self.lengths}"
            )
        # Kraft: with more, two codes would begin alike.
        share = sum(1 << (max(used) - length) for length in used)
        if share > 1 << max(used):
            raise ValueError(f"no prefix code has the lengths {self.lengths}: they are too short")

    @classmethod
    def from_counts(cls, counts: Iterable[int], max_length: int = MAX_LENGTH) -> "HuffmanCode":
        """The shortest code for symbols that occur so often, no code longer than ``max_length``.

        A lone symbol has a code of one bit. Raises ValueError if nothing occurs, for negative
        counts, and where so many symbols have no codes of that length.
        """
        numbers = [int(count) for count in counts]
        if any(count < 0 for count in numbers) or not any(numbers):
            raise ValueError("counts must not be negative, and one of them positive")
        used = sum(count > 0 for count in numbers)
        if max_length not in range(1, 1 << LENGTH_BITS) or used > 1 << max_length:
            raise ValueError(
                f"{used} symbols need codes of {max(1, (used - 1).bit_length())} bits or more, but "
                f"max_length is {max_length} (1..{(1 << LENGTH_BITS) - 1})"
            )
        lengths = _huffman(numbers)
        if max(lengths) > max_length:
            lengths = _package_merge(numbers, max_length)
        return cls(tuple(lengths))

    @cached_property
    def codewords(self) -> tuple[str, ...]:
        """Each symbol's code as text of 0 and 1."""
        return tuple(
            format(value, f"0{length}b") if length else ""
            for value, length in zip(self._values, self.lengths, strict=True)
        )

    @property
    def table_bits(self) -> int:
        """Bits of the stored table: a length per symbol."""
        return LENGTH_BITS * len(self.lengths)

    def table(self, max_length: int = MAX_LENGTH) -> tuple[int, ...]:
        """What a decoder in hardware is loaded with: counts, then symbols in the codes' order.

        The counts say how many codes have 1, 2, .. ``max_length`` bits. Raises ValueError for a
        code that is longer.

        >>> HuffmanCode.from_counts([5, 1, 0, 2]).table(max_length=4)
        (1, 2, 0, 0, 0, 1, 3)
        """
        if max(self.lengths) > max_length:
            raise ValueError(
                f"the decoder takes codes of up to {max_length} bits, but one has "
                f"{max(self.lengths)}; limit them with from_counts(.., max_length={max_length})"
            )
        counts = [len(symbols) for symbols in self._symbols[1:]]
        symbols = [symbol for symbols in self._symbols for symbol in symbols]
        return (*counts, *[0] * (max_length - len(counts)), *symbols)

    def bits_of(self, counts: ArrayLike) -> int:
        """Bits of a stream in which the symbols occur so often."""
        return int(np.dot(np.asarray(counts, np.int64), self.lengths))

    def encode(self, symbols: ArrayLike) -> Bits:
        """The codes of the symbols one after another, an element per bit.

        Raises ValueError, naming the first, for symbols without a code.
        """
        codes = np.asarray(symbols)
        if codes.size and not np.issubdtype(codes.dtype, np.integer):
            raise TypeError(f"symbols must be integers, not {codes.dtype}")
        flat = codes.ravel().astype(np.int64)
        known = (flat >= 0) & (flat < len(self.lengths))
        lengths = np.where(known, np.take(self.lengths, flat * known), 0)
        if not lengths.all():
            place = int(np.argmin(lengths))
            raise ValueError(f"symbol {flat[place]} at index {place} has no code")
        ends = np.cumsum(lengths)
        bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
        values = np.asarray(self._values, np.int64)[flat]
        for place in range(int(lengths.max(initial=0))):
            # Bit `place` from the end of every code that is long enough.
            long = lengths > place
            bits[ends[long] - 1 - place] = values[long] >> place & 1
        return bits

    def decode(self, bits: ArrayLike, n: int) -> NDArray[np.int64]:
        """The ``n`` symbols whose codes are ``bits``.

        Raises `HuffmanError` where the bits end within a code, begin no code, are not 0 and 1, or
        are left over.
        """
        stream = np.asarray(bits).ravel()
        wrong = np.flatnonzero((stream != 0) & (stream != 1))
        if len(wrong):
            raise HuffmanError(f"bit {wrong[0]} is {stream[wrong[0]]}, neither 0 nor 1")
        symbols, position, given = np.empty(n, np.int64), 0, stream.tolist()
        for number in range(n):
            symbols[number], position = self._next(given, position, number)
        if position != len(given):
            raise HuffmanError(f"{len(given) - position} bits are left over after {n} symbols")
        return symbols

    def _next(self, bits: list[Any], start: int, number: int) -> tuple[int, int]:
        """The symbol whose code begins at ``start``, and where the next one begins."""
        code, longest = 0, len(self._first) - 1
        for length in range(1, longest + 1):
            position = start + length - 1
            if position >= len(bits):
                raise HuffmanError(
                    f"the stream ends after {len(bits)} bits, within the code of symbol {number}"
                )
            code = code << 1 | int(bits[position])
            offset = code - self._first[length]
            if 0 <= offset < len(self._symbols[length]):
                return self._symbols[length][offset], position + 1
        raise HuffmanError(f"no code begins at bit {start}, where symbol {number} should be")

    @cached_property
    def _symbols(self) -> tuple[tuple[int, ...], ...]:
        """The symbols of each length 0 .. longest."""
        return tuple(
            tuple(symbol for symbol, own in enumerate(self.lengths) if own == length and length)
            for length in range(max(self.lengths) + 1)
        )

    @cached_property
    def _first(self) -> tuple[int, ...]:
        """The first code of each length."""
        first, code = [0], 0
        for symbols in self._symbols[1:]:
            first.append(code := code << 1)
            code += len(symbols)
        return tuple(first)

    @cached_property
    def _values(self) -> tuple[int, ...]:
        """Each symbol's code as a number."""
        values = [0] * len(self.lengths)
        for first, symbols in zip(self._first, self._symbols, strict=True):
            for offset, symbol in enumerate(symbols):
                values[symbol] = first + offset
        return tuple(values)


def _huffman(counts: list[int]) -> list[int]:
    """Lengths by merging the two rarest, again and again; ties in the order of creation."""
    lengths = [0] * len(counts)
    heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
    heapify(heap)
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    made = len(counts)
    while len(heap) > 1:
        (a, _, left), (b, _, right) = heappop(heap), heappop(heap)
        for symbol in left + right:
            lengths[symbol] += 1
        heappush(heap, (a + b, made, left + right))
        made += 1
    return lengths


def _package_merge(counts: list[int], longest: int) -> list[int]:
    """Lengths of the shortest code with none above ``longest``.

    Each symbol is a coin of every length; pairs of the cheapest coins of one length make packages
    for the next shorter. The cheapest 2 n - 2 of the shortest use each symbol as often as its code
    is long.
    """
    coins: list[tuple[int, tuple[int, ...]]]
    coins = sorted((count, (symbol,)) for symbol, count in enumerate(counts) if count)
    level = coins
    for _ in range(longest - 1):
        pairs = zip(level[::2], level[1::2], strict=False)
        packages = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
        level = sorted(coins + packages)
    lengths = [0] * len(counts)
    for _, symbols in level[: 2 * len(coins) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths
