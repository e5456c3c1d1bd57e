"""What a number format is: elements with codes, a shared part, and the way to values and back.

A new format is one class deriving from `Format`: a frozen dataclass of independent facts, with how
its name reads, `encode`, `decode_codes` and the properties below.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import as_integers, check_range
from bitwright.arith.nearest import Real
from bitwright.arith.packing import Bytes, pack_bits, unpack_bits

Shared = TypeVar("Shared")
"""Type of a format's shared part: a frozen record of arrays, or None."""

Codes = NDArray[np.integer[Any]]

VALUES_LIMIT = 16
"""Widest element, in bits, of which `Format.values` lists every value."""


class Format(ABC, Generic[Shared]):
    """A number format. Instances are immutable; equal formats compare and hash equal."""

    pattern: ClassVar[re.Pattern[str]]
    """Matches the names of the family."""
    family: ClassVar[str]
    """The family's name with the range of its parameters, for error messages."""

    if TYPE_CHECKING:
        # A format has these as fields or as properties. At run time the base has neither: a
        # dataclass would take an inherited property for the field's default.

        @property
        def bits(self) -> int:
            """The element's width."""

        @property
        def signed(self) -> bool:
            """Whether codes are two's complement; otherwise they are not negative."""

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
    def max(self) -> float:
        """The largest finite value, with a neutral shared part."""

    @property
    @abstractmethod
    def min(self) -> float:
        """The least finite value, with a neutral shared part."""

    @property
    @abstractmethod
    def min_step(self) -> float:
        """The smallest distance of two values, with a neutral shared part."""

    @abstractmethod
    def bits_per_element(self, n: int) -> float:
        """Give the bits stored per element of a vector of n, its stored shared parts included."""

    @abstractmethod
    def neutral(self) -> Shared:
        """Give the shared part that leaves elements as they are: scale 1, zero point 0."""

    @abstractmethod
    def encode(self, x: ArrayLike, axis: int = -1) -> "Encoded[Shared]":
        """Give codes and shared part for ``x``; a family's options are further keywords."""

    @abstractmethod
    def decode_codes(self, codes: Codes, shared: Shared, dtype: np.dtype[Any]) -> Real:
        """Give the values of codes, computed in and given as ``dtype``, float32 or float64."""

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the values nearest to ``x``: ``encode(x, axis, **options).decode()``."""
        encode: Callable[..., Encoded[Shared]] = self.encode
        return encode(x, axis, **options).decode()

    @property
    def code_low(self) -> int:
        """The least code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def code_high(self) -> int:
        """The greatest code."""
        return self.code_low + (1 << self.bits) - 1

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The narrowest integer type of 8, 16 or 32 bits that holds every code.

        Arithmetic on codes needs a wider one: ``codes.astype(np.int64) - zero_point``.
        """
        width = next(w for w in (8, 16, 32) if w >= self.bits)
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    def values(self) -> NDArray[np.float64]:
        """Give the value of every code from `code_low` up; ValueError beyond 16 bits."""
        if self.bits > VALUES_LIMIT:
            raise ValueError(f"values() lists formats of up to {VALUES_LIMIT} bits, not {self}")
        codes = np.arange(self.code_low, self.code_high + 1)
        return self.decode_codes(codes, self.neutral(), np.dtype(np.float64)).astype(np.float64)

    def pack(self, codes: ArrayLike) -> Bytes:
        """Give codes as the hardware stores them, see `bitwright.arith.packing`."""
        array = as_integers("codes", codes)
        check_range(f"{self} codes", array, self.code_low, self.code_high)
        return pack_bits(array, self.bits)

    def unpack(self, data: ArrayLike, shape: tuple[int, ...]) -> Codes:
        """Give the codes, of that shape, that `pack` made ``data`` of."""
        count = int(np.prod(shape, dtype=np.int64))
        codes = unpack_bits(data, self.bits, count, self.signed)
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
        """Give the codes as the hardware stores them."""
        return self.format.pack(self.codes)

    def unpack(self, data: ArrayLike) -> "Encoded[Shared]":
        """Give the array of this format, shape and shared part whose codes `pack` as ``data``."""
        return Encoded(
            format=self.format,
            codes=self.format.unpack(data, self.codes.shape),
            shared=self.shared,
            dtype=self.dtype,
        )


def check_axis(name: str, axis: int, ndim: int) -> int:
    """Give ``axis`` counted from the front; ValueError if there is none such (a scalar has one)."""
    axes = max(ndim, 1)
    if not -axes <= axis < axes:
        raise ValueError(f"{name} must lie in {-axes}..{axes - 1} for {ndim} axes, but is {axis}")
    return axis % axes
