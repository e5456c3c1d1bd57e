"""The values that a layer's weights may take: a few int8 codes, with a scale per channel."""

from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Codebook, Fixed, Integer
from bitwright.importers.graph import Array

Codes = NDArray[np.int64]
BYTE = 127
"""The greatest magnitude of a code that the hardware multiplies."""
_WHOLE = Fixed(10, 0)
"""Holds every code as it is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Weight = scale[o] (levels[k] + offset[o]); what is stored per weight is the index k.

    ``levels`` are what the number format allows, as integers; the hardware multiplies the int8
    code levels[k] + offset[o], whatever the format.
    """

    format: str
    levels: Codes
    """(K,), ascending."""
    scale: NDArray[np.float64]
    """(O,), positive."""
    offset: Codes
    """(O,): zero but for asymmetric and mean-corrected weights."""

    def __post_init__(self) -> None:
        reach = np.abs(self.levels).max() + np.abs(self.offset).max()
        low, high = self._ends()
        if max(-low, high) > BYTE:
            raise ValueError(
                f"{self.format} needs codes of {low}..{high}, but a weight is a code within "
                f"-{BYTE}..{BYTE} (levels and offset reach {reach})"
            )

    @property
    def index_bits(self) -> int:
        """Bits of an index."""
        return ceil(log2(len(self.levels)))

    @property
    def weight_bits(self) -> int:
        """Width of the signed codes, offset included: 2 .. 8."""
        low, high = self._ends()
        return max(2, int(max(high, -low - 1)).bit_length() + 1)

    def index(self, weight: Array) -> Codes:
        """The index of the nearest value to each weight, of the weight's shape."""
        steps = weight / self._along(self.scale, weight) - self._along(self.offset, weight)
        first, last = int(self.levels[0]), int(self.levels[-1])
        if last - first == len(self.levels) - 1:
            limited = np.clip(steps, first, last)
            return Integer(16).encode(limited, scale=1.0).codes.astype(np.int64) - first
        book = Codebook(len(self.levels), _WHOLE)
        return book.encode(steps, centroids=self.levels.astype(np.float64)).codes.astype(np.int64)

    def codes(self, index: Codes) -> Codes:
        """The code of each index, offset included."""
        return np.asarray(self.levels[index] + self._along(self.offset, index))

    def values(self, index: Codes) -> Array:
        """The weight of each index."""
        return np.asarray(self.codes(index) * self._along(self.scale, index), np.float64)

    def round(self, weight: Array) -> Array:
        """The nearest value to each weight."""
        return self.values(self.index(weight))

    def below(self, weight: Array) -> Codes:
        """The index of the greatest value that is not above each weight, but for the greatest."""
        steps = weight / self._along(self.scale, weight) - self._along(self.offset, weight)
        place = np.searchsorted(self.levels, steps, side="right") - 1
        return np.clip(place, 0, len(self.levels) - 2)

    def scaled(self, factor: NDArray[np.float64]) -> "Grid":
        """With each channel's scale times ``factor`` (O,)."""
        return replace(self, scale=self.scale * factor)

    def _ends(self) -> tuple[int, int]:
        return (
            int(self.levels[0] + self.offset.min()),
            int(self.levels[-1] + self.offset.max()),
        )

    def _along(
        self, channels: NDArray[np.generic], like: NDArray[np.generic]
    ) -> NDArray[np.float64]:
        return np.asarray(channels.reshape(-1, *[1] * (like.ndim - 1)))
