"""Bounds on sums of products, from one operand's codes and the greatest values of the other.

A rounding that is monotone and odd, as half_even is, cannot take a product beyond the rounded
product of the greatest magnitudes: what each block contributes at most is computed exactly as the
block itself is, and contributions add up in Python integers.
"""

from math import frexp
from operator import index

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import Integers, magnitude
from bitwright.arith.operand import IntegerArray, Terms
from bitwright.arith.rounded_sums import scale_round

MAX_BOUND = (1 << 63) - 1
LEAST_LSB, GREATEST_LSB = -512, 512
_FRACTION_BITS = 53


def checked_lsb(lsb: int) -> int:
    """Give the exponent of an lsb; TypeError if it is no integer, ValueError if out of range."""
    exponent = index(lsb)
    if not LEAST_LSB <= exponent <= GREATEST_LSB:
        raise ValueError(f"lsb must lie in {LEAST_LSB}..{GREATEST_LSB}, but is {lsb}")
    return exponent


class TooWideError(ValueError):
    """A bound that does not fit 64 bits."""


def block_sums(weights: Terms, starts: IntegerArray) -> Terms:
    """Give sum |w[n, k]| of each block: (N, K) to (N, blocks)."""
    narrow = np.int32 if weights.mantissas.dtype.itemsize < 4 else np.int64
    mantissas = np.abs(weights.mantissas.astype(narrow))
    exponents = np.broadcast_to(weights.exponents, mantissas.shape)
    if not mantissas.size:
        none = np.zeros((len(mantissas), len(starts)), np.int64)
        return Terms(mantissas=none, exponents=none)
    sums = np.add.reduceat(mantissas, starts, axis=1, dtype=np.int64)
    return Terms(mantissas=sums, exponents=exponents[:, starts].astype(np.int64))


def block_peaks(activations: Terms, starts: IntegerArray) -> NDArray[np.float64]:
    """Give the greatest |a[m, k]| of each block over all rows: (M, K) to (blocks,)."""
    if not activations.mantissas.size:
        return np.zeros(len(starts))
    if activations.exponents.ndim:
        values = activations.values()
        greatest = np.maximum(values.max(axis=0), -values.min(axis=0))
    else:  # the same, without a float for each integer
        ends = [end(activations.mantissas, axis=0).astype(np.float64) for end in (np.max, np.min)]
        greatest = np.ldexp(np.maximum(ends[0], -ends[1]), activations.exponents)
    return np.asarray(np.maximum.reduceat(greatest, starts))


def rounded_bounds(
    peaks: NDArray[np.float64], sums: Terms, lsb: int, offsets: Integers | None = None
) -> tuple[int, int]:
    """Give what no rounded block and what no sum of them exceeds, in units of 2^lsb.

    ``peaks`` are (blocks,), ``sums`` those of `block_sums` of weights (N, K), ``offsets`` (N,) are
    added: a bias. Products of peaks and sums must fit int64. TooWideError beyond 2^63 - 1.
    """
    mantissas, exponents = _dyadic(peaks)
    products = sums.mantissas * mantissas
    shift = sums.exponents + exponents - lsb
    if (products > (MAX_BOUND >> np.clip(shift, 0, 63))).any():
        raise TooWideError
    contributions = scale_round(products, np.where(products == 0, 0, shift))
    # Halves of 32 bits: their sums stay in int64 for every K below 2^31.
    high, low = (contributions >> 32).sum(axis=1), (contributions & 0xFFFFFFFF).sum(axis=1)
    added = np.zeros(len(high), np.int64) if offsets is None else offsets
    totals = [
        (int(h) << 32) + int(r) + abs(int(o)) for h, r, o in zip(high, low, added, strict=True)
    ]
    bound = max(totals, default=0)
    if bound > MAX_BOUND:
        raise TooWideError
    return magnitude(contributions), bound


def least_lsb(
    peaks: NDArray[np.float64], sums: Terms, bits: int, offsets: Integers | None = None
) -> int:
    """Give the least lsb with which no sum leaves signed accumulators of that many bits."""
    mantissas, exponents = _dyadic(peaks)
    greatest = np.ldexp(sums.mantissas.astype(np.float64) * mantissas, sums.exponents + exponents)
    total = float(greatest.sum(axis=1).max(initial=0))
    # total 2^-lsb < 2^(bits-1) but for roundings: the search starts below.
    lsb = max(frexp(total)[1] - bits - 1, LEAST_LSB) if total else 0
    while lsb < GREATEST_LSB:
        try:
            if rounded_bounds(peaks, sums, lsb, offsets)[1].bit_length() < bits:
                break
        except TooWideError:
            pass
        lsb += 1
    return lsb


def _dyadic(values: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Give floats as odd integers times powers of two."""
    fraction, exponent = np.frexp(values)
    mantissa = np.ldexp(fraction, _FRACTION_BITS).astype(np.int64)
    lowest = np.where(mantissa == 0, 1, mantissa & -mantissa)
    places = np.frexp(lowest.astype(np.float64))[1] - 1
    return mantissa >> places, exponent.astype(np.int64) - _FRACTION_BITS + places
