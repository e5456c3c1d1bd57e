"""The range whose quantized histogram is nearest to the one seen, by a divergence.

The histogram P of the values within a range, what saturates counted at its ends, is compared with
Q: what quantization leaves of it without what saturates, each code's count spread evenly over the
parts of the range that the code stands for and that are not empty.

Source: S. Migacz, 8-bit Inference with TensorRT, GTC 2017, for the two histograms; J. Lin,
Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37 (1991), for
Jensen-Shannon; S. Kullback and R. Leibler, On Information and Sufficiency (1951), for the
symmetric sum of both directions.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bitwright.compress.methods.calibration.histogram import Histogram, Range
from bitwright.compress.methods.calibration.search import BINS, Candidates, candidates

_FLOOR = 1e-4
"""Share of the mean that an empty part counts as, where only one histogram is empty."""

Matrix = NDArray[np.float64]


class Divergence(StrEnum):
    """How two histograms are compared."""

    KL = "kl"
    """KL(P, Q) + KL(Q, P)."""
    JS = "js"
    """(KL(P, M) + KL(Q, M)) / 2 with M = (P + Q) / 2."""


def divergence_range(
    seen: Histogram, bits: int, symmetric: bool, divergence: Divergence = Divergence.KL
) -> Range:
    """Of the ranges tried the one with the least divergence; ties to the widest."""
    tried = candidates(_without_zeros(seen.folded(_parts(seen, bits))), bits, symmetric)
    before, after = compared(tried)
    distance = {Divergence.KL: symmetric_kl, Divergence.JS: jensen_shannon}[divergence]
    # With fewer parts than codes nothing is rounded, and Q would be P.
    fair = (tried.inside(tried.codes()).sum(axis=1) >= 1 << bits) & after.any(axis=1)
    found = np.where(fair, distance(before, after), np.inf)
    return tried.ranges[len(found) - 1 - int(np.argmin(found[::-1]))]


def _parts(seen: Histogram, bits: int) -> int:
    """Parts of the histogram that are compared: four a code at least, else eight values each."""
    wanted = int(seen.counts.sum()) // 8
    return min(max(1 << max(wanted.bit_length() - 1, 0), 4 << bits), BINS, len(seen.counts))


def _without_zeros(seen: Histogram) -> Histogram:
    """With as many values around zero as next to it.

    Zero is a code under every range: the zeros that a ReLU leaves tell nothing, and spread over
    the parts that share their code they would hide all else.
    """
    low, high, bins = seen.over.low, seen.over.high, len(seen.counts)
    if not low <= 0 <= high or low == high:
        return seen
    place = min(int(-low / (high - low) * bins), bins - 1)
    counts = seen.counts.copy()
    counts[place] = counts[place + 1 if place + 1 < bins else place - 1]
    return Histogram(seen.over, counts)


def compared(tried: Candidates) -> tuple[Matrix, Matrix]:
    """The histograms P and Q of each range, each row of sum 1, or Q zero: (R, bins)."""
    counts = tried.seen.counts.astype(np.float64)
    codes = tried.codes()
    rows, bins = codes.shape
    inside = tried.inside(codes)
    kept = np.where(inside, counts, 0.0)
    before = kept.copy()
    first, last = inside.argmax(axis=1), bins - 1 - inside[:, ::-1].argmax(axis=1)
    at = np.arange(rows)
    below = np.arange(bins) < first[:, None]
    np.add.at(before, (at, first), np.where(below, counts, 0).sum(axis=1))
    above = np.arange(bins) > last[:, None]
    np.add.at(before, (at, last), np.where(above, counts, 0).sum(axis=1))
    # One number per range and code: sums over all ranges in a single pass.
    label = (codes + (at << tried.bits)[:, None]).ravel()
    total = np.bincount(label, kept.ravel(), rows << tried.bits)
    parts = np.bincount(label, (kept > 0).ravel().astype(np.float64), rows << tried.bits)
    mean = total / np.maximum(parts, 1)
    after = np.where(kept > 0, mean[label].reshape(rows, bins), 0.0)
    return _normal(before, before + after), _normal(after, before + after)


def symmetric_kl(p: Matrix, q: Matrix) -> Matrix:
    """KL(p, q) + KL(q, p) of each row, in nats.

    >>> round(float(symmetric_kl(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]]))[0]), 4)
    0.2747
    """
    return _kl(p, q) + _kl(q, p)


def jensen_shannon(p: Matrix, q: Matrix) -> Matrix:
    """The mean divergence of each row from the mean of both: 0 .. ln 2.

    >>> round(float(jensen_shannon(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0]), 4)
    0.6931
    """
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _kl(p: Matrix, q: Matrix) -> Matrix:
    some = (p > 0) & (q > 0)
    ratio = np.divide(p, q, out=np.ones_like(p), where=some)
    return np.asarray((p * np.log(ratio)).sum(axis=1))


def _normal(histogram: Matrix, either: Matrix) -> Matrix:
    """Rows of sum 1; where only one of two histograms is empty it has a little."""
    used = either > 0
    mean = histogram.sum(axis=1, keepdims=True) / np.maximum(used.sum(axis=1, keepdims=True), 1)
    filled = np.where(used, np.maximum(histogram, _FLOOR * mean), 0.0)
    total = filled.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(filled, total, out=np.zeros_like(filled), where=total > 0))
