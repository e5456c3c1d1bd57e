"""Rare extremes are left out, and saturate.

Source: H. Wu et al., Integer Quantization for Deep Learning Inference, arXiv:2004.09602, section 5.
"""

import numpy as np

from bitwright.compress.methods.calibration.histogram import Histogram, Range


def percentile_range(seen: Histogram, percentile: float) -> Range:
    """The range without the parts beyond the percentile on either side.

    >>> percentile_range(Histogram(Range(0.0, 4.0), np.array([90, 9, 0, 1])), 99)
    Range(low=0.0, high=2.0)
    """
    if not 50 < percentile <= 100:
        raise ValueError(f"percentile must lie above 50 and up to 100, not {percentile}")
    over, counts = seen.over, seen.counts
    width = (over.high - over.low) / len(counts)
    wanted = counts.sum() * percentile / 100
    up_to, down_to = np.cumsum(counts), np.cumsum(counts[::-1])
    last = int(np.searchsorted(up_to, wanted))
    first = int(np.searchsorted(down_to, wanted))
    # The ends themselves are exact, not the sum of rounded widths.
    high = over.high if last >= len(counts) - 1 else over.low + (last + 1) * width
    low = over.low if first >= len(counts) - 1 else over.high - (first + 1) * width
    return Range(low, high)
