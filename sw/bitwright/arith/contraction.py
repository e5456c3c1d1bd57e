"""The one law of dot products, and which form of it a pair of formats takes.

The formats alone decide, never the data, so that parts of a contraction add up to the whole:

- EXACT: all elements share one step and the sum fits 64 bits. No lsb is needed.
- BLOCKS: at least one format has blocks. Inside a block the integer dot product is exact; with the
  powers of two of both operands it is rounded half_even to a multiple of 2^lsb.
- PRODUCTS: products are too wide to add up exactly. Each is rounded to a multiple of 2^lsb.

Two blocked formats meet in the finer blocking, and the coarser must be a multiple of it; blocks
begin at the first element along the contraction. A format without blocks takes the other's.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.bounds import (
    TooWideError,
    checked_lsb,
    least_lsb,
    rounded_bounds,
)
from bitwright.arith.checks import Integers
from bitwright.arith.operand import IntegerArray, Operand, Terms
from bitwright.arith.products import exact_product
from bitwright.arith.rounded_sums import sum_blocks

PROPOSED_BITS = 32
_WORD = 64


class Rule(Enum):
    """Where a dot product is rounded."""

    EXACT = "exact"
    """Nowhere."""
    BLOCKS = "blocks"
    """At the end of each block."""
    PRODUCTS = "products"
    """At each product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How two operands are contracted."""

    rule: Rule
    pair: str
    """The formats, for messages."""
    step: int
    """The exponent of the product of two aligned mantissas, for EXACT."""
    block: int
    """Elements rounded together; for EXACT, all."""
    given: int | None
    """The lsb asked for."""
    width: int
    """What one exact sum of products needs: of all (without blocks) or of a block's."""

    @classmethod
    def of(cls, a: Operand, b: Operand, k: int, lsb: int | None) -> "Law":
        """Choose for a contraction of length k. ValueError for blocks that do not fit together."""
        if lsb is not None:
            lsb = checked_lsb(lsb)
        pair = f"{a.format} x {b.format}"
        block = _common_block(a, b, pair)
        step = a.step + b.step
        length = k if block is None else block
        width = 1 + (length * a.limit * b.limit).bit_length()
        if width > _WORD:
            rule, length = Rule.PRODUCTS, 1
        elif block is not None:
            rule = Rule.BLOCKS
        elif lsb is None or lsb <= step:
            rule = Rule.EXACT
        else:
            rule, length = Rule.PRODUCTS, 1
        return cls(rule=rule, pair=pair, step=step, block=length, given=lsb, width=width)

    @property
    def lsb(self) -> int:
        """Accumulators are worth multiples of 2^lsb."""
        return self.step if self.given is None else self.given

    def form(self, operand: Operand) -> Terms:
        """Give an operand's mantissas as the rule multiplies them."""
        return operand.floating() if self.rule is Rule.PRODUCTS else operand.aligned()

    def starts(self, k: int) -> IntegerArray:
        """Give where what is rounded together begins, in a stretch of k elements."""
        return np.arange(0, k, max(self.block, 1))

    def limits(
        self, peaks: NDArray[np.float64], sums: Terms, offsets: Integers | None = None
    ) -> "Limits":
        """Bound every partial sum, ``offsets`` (a bias) included; see `bitwright.arith.bounds`.

        ValueError, proposing an lsb, where one is needed or sums need more than 64 bits.
        """
        if self.given is None and self.rule is not Rule.EXACT:
            why = (
                f"exact sums of {self.pair} need {self.width} bits, more than {_WORD}"
                if self.width > _WORD
                else f"the blocks of {self.pair} have exponents of their own"
            )
            what = "block" if self.rule is Rule.BLOCKS else "product"
            proposed = least_lsb(peaks, sums, PROPOSED_BITS, offsets)
            raise ValueError(
                f"{why}; give lsb, and each {what} is rounded to a multiple of 2^lsb: "
                f"lsb={proposed} keeps these operands within {PROPOSED_BITS} bits"
            )
        try:
            largest, bound = rounded_bounds(peaks, sums, self.lsb, offsets)
        except TooWideError:
            raise ValueError(
                f"sums of {self.pair} in units of 2^{self.lsb} need more than {_WORD} bits; "
                f"lsb={least_lsb(peaks, sums, _WORD, offsets)} is the least that fits these "
                "operands"
            ) from None
        return Limits(largest=largest, bound=bound)

    def contract(self, a: Terms, b: Terms, limits: "Limits") -> Integers:
        """Compute the accumulators of (..., M, K) and (..., N, K): (..., M, N)."""
        left, right = a.mantissas, np.swapaxes(b.mantissas, -1, -2)
        if self.rule is Rule.EXACT:
            return exact_product(left, right) << (self.step - self.lsb)
        stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        out = np.empty((*stack, left.shape[-2], right.shape[-1]), np.int64)
        starts = self.starts(left.shape[-1])
        rows = a.rearranged(lambda m: np.broadcast_to(m, (*stack, *m.shape[-2:])))
        columns = b.rearranged(lambda m: np.broadcast_to(m, (*stack, *m.shape[-2:])))
        for index in np.ndindex(stack):
            out[index] = sum_blocks(
                rows.part(index),
                columns.part(index),
                starts,
                lsb=self.lsb,
                largest=limits.largest,
                bound=limits.bound,
            )
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Proved magnitudes in units of 2^lsb."""

    largest: int
    """Of what is rounded together."""
    bound: int
    """Of every partial sum."""


def _common_block(a: Operand, b: Operand, pair: str) -> int | None:
    blocks = sorted(block for block in (a.block, b.block) if block is not None)
    if not blocks:
        return None
    if blocks[-1] % blocks[0]:
        raise ValueError(
            f"the blocks of {pair} do not fit: {blocks[0]} does not divide {blocks[-1]}"
        )
    return blocks[0]
