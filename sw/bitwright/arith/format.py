"""What a number format is: elements with codes, a shared part, and the way to values and back.

A new format is one class deriving from `Format`: a frozen dataclass of independent facts, with how
its name reads, its `element`, `encode` and `decode_codes`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.element import TABLE_BITS, Codes, Element
from bitwright.arith.nearest import Real
from bitwright.arith.packing import Bytes, pack_bits, unpack_bits

Shared = TypeVar("Shared")
"""Type of a format's shared part: a frozen record of arrays, or None."""


class Format(ABC, Generic[Shared]):
    """A number format. Instances are immutable; equal formats compare and hash equal."""

    pattern: ClassVar[re.Pattern[str]]
    """Matches the names of the family."""
    family: ClassVar[str]
    """The family's name with the range of its parameters, for error messages."""

    @classmethod
    @abstractmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched; ValueError for a parameter out of range."""

    @classmethod
    @abstractmethod
    def names(cls) -> Iterator[str]:
        """Give the family's names; where they are many, those worth proposing."""

    @abstractmethod
    def __str__(self) -> str:
        """Give the canonical name, which `parse` takes."""

    @property
    @abstractmethod
    def element(self) -> Element:
        """What codes mean, apart from the shared part."""

    @abstractmethod
    def encode(self, x: ArrayLike, axis: int = -1) -> "Encoded[Shared]":
        """Give codes and shared part for ``x``; a family's options are further keywords."""

    @abstractmethod
    def decode_codes(self, codes: Codes, shared: Shared, dtype: np.dtype[Any]) -> Real:
        """Give the values of codes, computed in and given as ``dtype``, float32 or float64."""

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the values nearest to ``x``: ``encode(x, axis, **options).decode()``, bit for bit.

        Formats may have a faster way to them.
        """
        encode: Callable[..., Encoded[Shared]] = self.encode
        return encode(x, axis, **options).decode()

    def bits_per_element(self, n: int) -> float:
        """Give the bits stored per element of a vector of n, its stored shared parts included."""
        if n < 1:
            raise ValueError(f"n must be at least 1, but is {n}")
        return self.bits + self.shared_bits(n) / n

    def shared_bits(self, n: int) -> int:
        """Give the bits of the shared parts stored beside a vector of n: here, of none."""
        return 0

    def pack_shared(self, shared: Shared) -> Bytes:
        """Give the shared part as the hardware stores it beside the elements: here, not at all."""
        return np.zeros(0, np.uint8)

    def unpack_shared(self, data: Bytes, like: Shared) -> Shared:
        """Give the shared part packed as ``data``; what is not stored is that of ``like``."""
        if data.size:
            raise ValueError(f"{self} stores no shared part, but {data.size} bytes of one are left")
        return like

    @property
    def bits(self) -> int:
        """The element's width."""
        return self.element.bits

    @property
    def signed(self) -> bool:
        """Whether codes are two's complement; otherwise they are not negative."""
        return self.element.signed

    @property
    def max(self) -> float:
        """The largest finite value, with a neutral shared part: scale 1, zero point 0."""
        return self.element.max

    @property
    def min(self) -> float:
        """The least finite value, with a neutral shared part."""
        return self.element.min

    @property
    def min_step(self) -> float:
        """The smallest distance of two values, with a neutral shared part."""
        return self.element.min_step

    @property
    def code_low(self) -> int:
        """The least code."""
        return self.element.code_low

    @property
    def code_high(self) -> int:
        """The greatest code."""
        return self.element.code_high

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The narrowest integer type of 8, 16 or 32 bits that holds every code.

        Arithmetic on codes needs a wider one: ``codes.astype(np.int64) - zero_point``.
        """
        return self.element.code_dtype

    def values(self) -> NDArray[np.float64]:
        """Give the value of every code from `code_low` up; ValueError beyond 16 bits.

        With a neutral shared part; NaN and infinities where the format has codes for them.
        """
        if self.bits > TABLE_BITS:
            raise ValueError(f"values() lists formats of up to {TABLE_BITS} bits, not {self}")
        return self.element.values()

    def integers(self, codes: ArrayLike) -> tuple[Integers, int]:
        """Give (q, e) so that each code is worth q 2^e times, or under, the shared part.

        ValueError where q needs more than 63 bits; ``element.mantissas`` has an e per code.
        """
        return self.element.integers(codes)

    def pack(self, codes: ArrayLike) -> Bytes:
        """Give codes as the hardware stores them, see `bitwright.arith.packing`."""
        array = as_integers("codes", codes)
        check_range(f"{self} codes", array, self.code_low, self.code_high)
        return pack_bits(array, self.bits)

    def unpack(self, data: ArrayLike, shape: tuple[int, ...]) -> Codes:
        """Give the codes, of that shape, that `pack` made ``data`` of."""
        count = int(np.prod(shape, dtype=np.int64))
        codes = unpack_bits(data, self.bits, count, self.signed)
        check_range(f"{self} codes", codes, self.code_low, self.code_high)
        return codes.reshape(shape).astype(self.code_dtype)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded(Generic[Shared]):
    """An array in a number format."""

    format: Format[Shared]
    codes: Codes
    """Of the array's shape, in the format's `code_dtype`."""
    shared: Shared
    dtype: np.dtype[Any]
    """Of the values: float32 or float64."""

    def decode(self) -> Real:
        """Give the values."""
        return self.format.decode_codes(self.codes, self.shared, self.dtype)

    def pack(self) -> Bytes:
        """Give the array as the hardware stores it: the elements, then the shared part.

        Each starts at a byte. ``format.pack`` and ``format.pack_shared`` give them apart.
        """
        return np.concatenate([self.format.pack(self.codes), self.format.pack_shared(self.shared)])

    def unpack(self, data: ArrayLike) -> "Encoded[Shared]":
        """Give the array of this format and shape that `pack` made ``data`` of.

        What is not stored, such as the scale of an integer, is that of this array.
        """
        stream = as_integers("data", data)
        check_range("data", stream, 0, 255)
        size = -(-self.codes.size * self.format.bits // 8)
        return Encoded(
            format=self.format,
            codes=self.format.unpack(stream[:size], self.codes.shape),
            shared=self.format.unpack_shared(stream[size:].astype(np.uint8), self.shared),
            dtype=self.dtype,
        )


def check_axis(name: str, axis: int, ndim: int) -> int:
    """Give ``axis`` counted from the front; ValueError if there is none such (a scalar has one)."""
    axes = max(ndim, 1)
    if not -axes <= axis < axes:
        raise ValueError(f"{name} must lie in {-axes}..{axes - 1} for {ndim} axes, but is {axis}")
    return axis % axes
