"""How well formats hold given numbers: the signal-to-quantization-noise ratio."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.format import Format
from bitwright.arith.lowbit import LowBit
from bitwright.arith.nearest import Real, as_real


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What a format makes of an array."""

    name: str
    bits_per_element: float
    """As stored: elements and shared parts."""
    sqnr_db: float
    """Infinite where every number is a value of the format."""


def compare(formats: Sequence[Format[Any]], x: ArrayLike, axis: int = -1) -> list[Quality]:
    """Give each format's quality on ``x``, blocks running along ``axis``.

    Scales are derived from the whole tensor; binary and ternary take the mean, too.

    Raises ValueError for NaN, infinities, nothing but zeros, and an axis that x does not have;
    TypeError for data that are not real numbers.

    >>> from bitwright.arith import parse
    >>> [q.sqnr_db for q in compare([parse("fix8.7"), parse("fix3.0")], [0.5, 0.25])]
    [inf, 0.0]
    """
    real = as_real("x", x)
    if np.isinf(real).any():
        index = tuple(int(i) for i in np.argwhere(np.isinf(real))[0])
        raise ValueError(f"x is infinite at index {index}: no ratio of powers is a number")
    if not real.any():
        raise ValueError("x holds nothing but zeros: there is no signal to compare noise with")
    return [_quality(fmt, real, axis) for fmt in formats]


def sqnr_db(x: Real, values: Real) -> float:
    """Compute 10 log10 (sum x^2 / sum (x - values)^2): infinite where they are equal."""
    signal = x.astype(np.float64)
    return _level_db(signal) - _level_db(signal - values)


def _quality(fmt: Format[Any], x: Real, axis: int) -> Quality:
    options = {"scale": "tensor"} if isinstance(fmt, LowBit) else {}
    encoded = fmt.encode(x, axis, **options)
    shared = 8 * fmt.pack_shared(encoded.shared).size
    return Quality(
        name=str(fmt),
        bits_per_element=fmt.bits + shared / x.size,
        sqnr_db=sqnr_db(x, encoded.decode()),
    )


def _level_db(v: Real) -> float:
    """Give 10 log10 of the sum of squares; its terms are at most 1, so that none overflows."""
    peak = float(np.abs(v).max(initial=0))
    if peak == 0:
        return -inf
    return 20 * log10(peak) + 10 * log10(float(np.square(v / peak).sum()))
