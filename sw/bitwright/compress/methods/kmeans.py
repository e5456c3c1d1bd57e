"""k-means of numbers: few centroids, each the mean of what is nearest to it.

Sources: S. Lloyd, Least Squares Quantization in PCM, IEEE Trans. Inf. Theory 28 (1982); E. Forgy,
Biometrics 21 (1965); S. Han et al., Deep Compression, arXiv:1510.00149, section 3.2, for the three
ways to begin.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class Start(StrEnum):
    """Where the centroids begin."""

    FORGY = "forgy"
    """At values drawn from the data."""
    DENSITY = "density"
    """At equal steps of the data's cumulative distribution."""
    LINEAR = "linear"
    """At equal steps from the least to the greatest."""


def start(values: Numbers, count: int, how: Start, seed: int = 0) -> Numbers:
    """``count`` centroids to begin with, ascending.

    >>> start(np.array([0.0, 1.0, 1.0, 1.0, 8.0]), 2, Start.LINEAR).tolist()
    [0.0, 8.0]
    """
    flat = np.sort(values.ravel())
    match how:
        case Start.FORGY:
            distinct = np.unique(flat)
            drawn = np.random.default_rng(seed).choice(
                distinct, count, replace=len(distinct) < count
            )
            return np.sort(drawn)
        case Start.DENSITY:
            return np.quantile(flat, (np.arange(count) + 0.5) / count)
        case Start.LINEAR:
            return np.linspace(flat[0], flat[-1], count)


def nearest(values: Numbers, centroids: Numbers) -> NDArray[np.int64]:
    """The index of the centroid, of ascending ones, that is nearest; of two the lower."""
    middles = (centroids[1:] + centroids[:-1]) / 2
    return np.searchsorted(middles, values, side="left").astype(np.int64)


def kmeans(values: Numbers, centroids: Numbers, rounds: int = 100) -> Numbers:
    """The centroids after Lloyd's iteration has come to rest; an empty one stays where it is."""
    flat = values.ravel()
    for _ in range(rounds):
        index = nearest(flat, centroids)
        total = np.bincount(index, flat, len(centroids))
        members = np.bincount(index, minlength=len(centroids))
        moved = np.where(members > 0, total / np.maximum(members, 1), centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = np.sort(moved)
    return centroids


def storage_bits(weights: int, centroids: int, value_bits: int = 32) -> int:
    """Bits of the indices and of the codebook.

    >>> storage_bits(16, 4), 16 * 32 / storage_bits(16, 4)
    (160, 3.2)
    """
    return weights * (centroids - 1).bit_length() + centroids * value_bits
