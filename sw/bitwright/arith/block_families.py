"""bfp, bm and bl: what their blocks hold; how blocks share is `bitwright.arith.block`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Self

from bitwright.arith.block import MAX_BLOCK, BlockFormat
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.scalar import MAX_BITS, MAX_EXPONENT_BITS, check_fields, field_names

MAX_LOG_BITS = 8
_PROPOSED_BLOCKS = (8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class BlockFloat(BlockFormat):
    """bfp<N>_b<K>: a sign and N-1 magnitude bits, without an implicit one; value q 2^x.

    The step exponent is x = X - (N-2), X the shared exponent, floor(log2 amax): elements are
    q 2^-(N-2) with q in -(2^(N-1)-1)..2^(N-1)-1.

    >>> BlockFloat(4, 4).quantize([1.0, -0.875, 0.25, 0.125])  # step 1/4; ties to even
    array([ 1.  , -1.  ,  0.25,  0.  ])
    """

    width: int
    block: int = field()

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"bfp(0|[1-9]\d*)_b(0|[1-9]\d*)")
    family: ClassVar[str] = f"bfp<N>_b<K> (N 2..{MAX_BITS}, K 1..{MAX_BLOCK})"

    def __post_init__(self) -> None:
        check_width("bfp<N>_b<K>", self.width, MAX_BITS)
        check_block("bfp<N>_b<K>", self.block)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the names with usual blocks."""
        yield from block_names(f"bfp{width}" for width in range(2, MAX_BITS + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"bfp{self.width}_b{self.block}"

    @property
    def element(self) -> Minifloat:
        """A sign-magnitude integer in steps of 2^-(N-2), so that it lies in -2..2."""
        return Minifloat(exponent_bits=0, mantissa_bits=self.width - 1, bias=-1, implicit_one=False)


@dataclass(frozen=True, slots=True)
class BlockMinifloat(BlockFormat):
    """bm_e<E>m<M>_b<K>: all-finite minifloats that share their exponent bias.

    The bias is B = (2^E-1) - X, X the shared exponent, floor(log2 amax): the block's greatest
    magnitude lies in the top binade.

    >>> BlockMinifloat(2, 1, 4).quantize([3.0, 2.4, 0.4, 0.2])  # binades of 2, 1 and 1/2
    array([3.  , 2.  , 0.5 , 0.25])
    """

    exponent_bits: int
    mantissa_bits: int
    block: int = field()

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"bm_e(0|[1-9]\d*)m(0|[1-9]\d*)_b(0|[1-9]\d*)")
    family: ClassVar[str] = (
        f"bm_e<E>m<M>_b<K> (E 1..{MAX_EXPONENT_BITS}, M 0.., up to {MAX_BITS} bits with the sign, "
        f"K 1..{MAX_BLOCK})"
    )

    def __post_init__(self) -> None:
        check_fields("bm_e<E>m<M>_b<K>", self.exponent_bits, self.mantissa_bits)
        check_block("bm_e<E>m<M>_b<K>", self.block)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]), int(match[2]), int(match[3]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the names with usual blocks."""
        yield from block_names(field_names("bm_", least_mantissa=0))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"bm_e{self.exponent_bits}m{self.mantissa_bits}_b{self.block}"

    @property
    def element(self) -> Minifloat:
        """The minifloat whose top binade is 1..2."""
        return Minifloat(
            exponent_bits=self.exponent_bits,
            mantissa_bits=self.mantissa_bits,
            bias=(1 << self.exponent_bits) - 1,
        )


@dataclass(frozen=True, slots=True)
class BlockLogarithm(BlockFormat):
    """bl<N>_b<K>: a sign and N-1 exponent bits e, 0 for zero; value +-2^(e-B).

    The bias is B = (2^(N-1)-1) - X with X such that the top code, 2^X, is the power of two nearest
    in value to the block's greatest magnitude, ties up.

    >>> BlockLogarithm(3, 4).quantize([3.5, 3.0, 1.4, -0.25])  # top 4; 3 is a tie, to e = 2
    array([ 4.,  2.,  1., -0.])
    """

    width: int
    block: int = field()

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"bl(0|[1-9]\d*)_b(0|[1-9]\d*)")
    family: ClassVar[str] = f"bl<N>_b<K> (N 2..{MAX_LOG_BITS}, K 1..{MAX_BLOCK})"

    def __post_init__(self) -> None:
        check_width("bl<N>_b<K>", self.width, MAX_LOG_BITS)
        check_block("bl<N>_b<K>", self.block)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the names with usual blocks."""
        yield from block_names(f"bl{width}" for width in range(2, MAX_LOG_BITS + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"bl{self.width}_b{self.block}"

    @property
    def element(self) -> Minifloat:
        """Zero and the powers of two up to 1."""
        return power_of_two_element(self.width)

    @property
    def nearest_top(self) -> bool:
        """The top code is nearest to amax."""
        return True


def power_of_two_element(width: int) -> Minifloat:
    """Give the element of a sign and N-1 exponent bits: zero, and powers of two up to 1."""
    return Minifloat(exponent_bits=width - 1, mantissa_bits=0, bias=(1 << (width - 1)) - 1)


def check_width(name: str, width: int, greatest: int) -> None:
    """Raise ValueError unless N is in 2..greatest."""
    if not 2 <= width <= greatest:
        raise ValueError(f"{name} has N in 2..{greatest}, but N is {width}")


def check_block(name: str, block: int) -> None:
    """Raise ValueError unless K is a supported length."""
    if not 1 <= block <= MAX_BLOCK:
        raise ValueError(f"{name} has K in 1..{MAX_BLOCK}, but K is {block}")


def block_names(elements: Iterator[str]) -> Iterator[str]:
    """Give each element's name with each usual block."""
    for element in elements:
        yield from (f"{element}_b{block}" for block in _PROPOSED_BLOCKS)
