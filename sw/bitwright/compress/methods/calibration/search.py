"""The ranges that a search tries, and the codes each would give: all of them at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Integer
from bitwright.compress.methods.calibration.histogram import Histogram, Range
from bitwright.compress.methods.calibration.quantization import activation_quantization

BINS = 2048
"""Of the histogram that is searched."""
ONE_END, TWO_ENDS = 128, 32
"""Candidates for one end of the range; for each of two."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Ranges to try, and what quantization under each makes of a histogram's values."""

    seen: Histogram
    ranges: tuple[Range, ...]
    scale: NDArray[np.float64]
    """(R,)."""
    zero_point: NDArray[np.int64]
    """(R,)."""
    bits: int

    def codes(self) -> NDArray[np.int64]:
        """The code of each part's middle under each range, from 0 up: (R, bins)."""
        centers = np.broadcast_to(self.seen.centers, (len(self.ranges), len(self.seen.counts)))
        encoded = Integer(self.bits).encode(
            centers, scale=self.scale, zero_point=self.zero_point, channel_axis=0
        )
        return encoded.codes.astype(np.int64) + (1 << (self.bits - 1))

    def values(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The real values that codes from 0 up stand for: (R, bins)."""
        offset = self.zero_point[:, None] + (1 << (self.bits - 1))
        return np.asarray(self.scale[:, None] * (codes - offset))

    def inside(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where no value saturates: it is within half a step of its code's: (R, bins)."""
        error = np.abs(self.values(codes) - self.seen.centers)
        return np.asarray(error <= self.scale[:, None] / 2)


def candidates(seen: Histogram, bits: int, symmetric: bool) -> Candidates:
    """The ranges that hold zero and end at equal parts of the range seen; widest last.

    Symmetric ones, and those of tensors without values on one side of zero, have one end to
    choose; the others have two.
    """
    low, high = min(seen.over.low, 0.0), max(seen.over.high, 0.0)
    if symmetric or low == 0 or high == 0:
        reach = max(-low, high)
        parts = reach * np.arange(1, ONE_END + 1) / ONE_END
        below = symmetric or low < 0
        above = symmetric or high > 0
        ranges = tuple(Range(-part * below, part * above) for part in parts.tolist())
    else:
        parts = np.arange(1, TWO_ENDS + 1) / TWO_ENDS
        ranges = tuple(Range(low * a, high * b) for a in parts.tolist() for b in parts.tolist())
    found = [activation_quantization(tried, bits, symmetric) for tried in ranges]
    return Candidates(
        seen=seen,
        ranges=ranges,
        scale=np.array([q.scale for q in found]),
        zero_point=np.array([q.zero_point for q in found], np.int64),
        bits=bits,
    )
