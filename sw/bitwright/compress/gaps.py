"""Sparse weights as values and the gaps between them, as many zeros as each has before it.

Source: S. Han et al., Deep Compression, arXiv:1510.00149, section 2 and figure 2.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Symbols = NDArray[np.int64]


def to_gaps(symbols: ArrayLike, zero: int, gap_bits: int) -> tuple[Symbols, Symbols]:
    """(gaps, values): per value that is not ``zero``, the number of zeros before it.

    A gap beyond 2^gap_bits - 1 is bridged by fillers: the greatest gap with the value zero. Zeros
    at the end are not told.

    >>> gaps, values = to_gaps([0, 3, 0, 0, 0, 0, 0, 5, 0], zero=0, gap_bits=2)
    >>> gaps.tolist(), values.tolist()
    ([1, 3, 1], [3, 0, 5])
    """
    flat = np.asarray(symbols, np.int64).ravel()
    places = np.flatnonzero(flat != zero)
    before = np.diff(places, prepend=-1) - 1
    longest = (1 << gap_bits) - 1
    # A filler stands for its gap and a zero of its own.
    fillers = before // (longest + 1)
    total = int(fillers.sum()) + len(places)
    gaps, values = np.full(total, longest, np.int64), np.full(total, zero, np.int64)
    at = np.cumsum(fillers + 1) - 1
    gaps[at], values[at] = before - fillers * (longest + 1), flat[places]
    return gaps, values


def from_gaps(gaps: ArrayLike, values: ArrayLike, zero: int, count: int) -> Symbols:
    """The ``count`` symbols that `to_gaps` told."""
    symbols = np.full(count, zero, np.int64)
    places = np.cumsum(np.asarray(gaps, np.int64) + 1) - 1
    if len(places) and places[-1] >= count:
        raise ValueError(f"the gaps lead to symbol {places[-1]}, but there are {count}")
    symbols[places] = values
    return symbols
