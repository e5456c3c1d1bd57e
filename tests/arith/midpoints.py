"""The definition of block formats once more, fast enough for millions of blocks.

A code is found by its place among the midpoints of the values that `rational` lists: float64 holds
every midpoint and every float32 divided by a shared scale exactly, so that comparisons decide, and
nothing is rounded. Nothing here comes from `bitwright` either.
"""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tests.arith import rational


class Blocks(NamedTuple):
    """As many as there are rows."""

    exponents: NDArray[np.int64]
    codes: NDArray[np.int64]
    values: NDArray[np.float64]


def encode(name: str, x: NDArray[np.float32]) -> Blocks:
    """Each row of float32 is a block."""
    elements, rule = rational.definition(name)
    assert rule is not None
    limited = np.clip(x, np.finfo(np.float32).min, np.finfo(np.float32).max).astype(np.float64)
    mantissa, exponent = np.frexp(np.abs(limited).max(axis=1))
    carried = (mantissa >= 0.75) if rule is rational.nearest_log2 else 0
    shared = exponent - 1 + carried + rule(Fraction(1))
    shared = np.where(mantissa == 0, -127, np.clip(shared, -127, 127))
    scaled = np.ldexp(limited, -shared[:, None])
    values, codes = elements.values, np.array(elements.codes)
    middles = [(a + b) / 2 for a, b in pairwise(values)]
    thresholds, exact = floats(middles), floats(values)
    looked_up = scaled if elements.sign_bit is None else np.abs(scaled)
    place = np.searchsorted(thresholds, looked_up)  # of a tie, the lower
    tie = looked_up == np.append(thresholds, np.nan)[place]
    place += tie & (codes[place] % 2 == 1)
    if name == "mxint8":
        place = np.where(shared[:, None] == 127, np.maximum(place, 1), place)
    result, nearest = codes[place], exact[place]
    if elements.sign_bit is not None:
        result |= np.signbit(x).astype(np.int64) << elements.sign_bit
        nearest = np.copysign(nearest, x)
    return Blocks(shared, result, np.ldexp(nearest, shared[:, None]))


def floats(numbers: list[Fraction]) -> NDArray[np.float64]:
    array = np.array([float(number) for number in numbers])
    assert [Fraction(number) for number in array.tolist()] == numbers
    return array
