"""The range of least mean squared error between the values and their quantized selves.

Source: M. Nagel et al., A White Paper on Neural Network Quantization, arXiv:2106.08295,
section 3.1; the search over a grid of ranges is theirs, too.
"""

import numpy as np

from bitwright.compress.methods.calibration.histogram import Histogram, Range
from bitwright.compress.methods.calibration.search import BINS, candidates


def mse_range(seen: Histogram, bits: int, symmetric: bool) -> Range:
    """Of the ranges tried the one with the least sum of squared differences; ties to the widest."""
    tried = candidates(seen.folded(min(BINS, len(seen.counts))), bits, symmetric)
    difference = tried.values(tried.codes()) - tried.seen.centers
    error = np.square(difference) @ tried.seen.counts.astype(np.float64)
    return tried.ranges[len(error) - 1 - int(np.argmin(error[::-1]))]
