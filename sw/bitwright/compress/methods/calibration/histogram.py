"""The values of a tensor, counted: what every search for a range looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 1 << 14
"""A percentile is right to a 16,384th of the range: a 64th of a step of 8 bits."""


@dataclass(frozen=True, slots=True)
class Range:
    """The real values low .. high."""

    low: float
    high: float

    def union(self, other: "Range") -> "Range":
        """The least range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How many values fall in each of the equal parts of a range."""

    over: Range
    counts: NDArray[np.int64]

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of each part."""
        width = (self.over.high - self.over.low) / len(self.counts)
        return np.asarray(self.over.low + width * (np.arange(len(self.counts)) + 0.5))

    def folded(self, bins: int) -> "Histogram":
        """With fewer parts; ``bins`` divides their number."""
        return Histogram(self.over, self.counts.reshape(bins, -1).sum(axis=1))


def count(values: NDArray[np.floating], over: Range) -> NDArray[np.int64]:
    """How many values fall in each of 16,384 equal parts of the range."""
    width = (over.high - over.low) / BINS
    if not width:
        return np.bincount([0], weights=[values.size], minlength=BINS).astype(np.int64)
    part = ((values.ravel().astype(np.float64) - over.low) / width).astype(np.int64)
    return np.bincount(np.minimum(part, BINS - 1), minlength=BINS)
