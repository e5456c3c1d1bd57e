"""From the least value to the greatest: nothing saturates.

Source: B. Jacob et al., Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, arXiv:1712.05877, section 3.
"""

from bitwright.compress.methods.calibration.histogram import Histogram, Range


def minmax_range(seen: Histogram) -> Range:
    """The whole range."""
    return seen.over
