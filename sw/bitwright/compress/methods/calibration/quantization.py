"""From a range to the scale and zero point of a tensor's codes."""

from math import floor

from bitwright.compress.methods.calibration.histogram import Range
from bitwright.network import Quantization


def activation_quantization(seen: Range, bits: int, symmetric: bool) -> Quantization:
    """The scale and zero point that cover ``seen`` and zero with codes of ``bits`` bits.

    Symmetric: zero point 0, and the greater magnitude is the greatest code. Asymmetric: every
    code is used, and zero is exactly a code; without negative values the zero point is the least.
    """
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    top = (1 << (bits - 1)) - 1
    if symmetric:
        return Quantization(scale=max(-low, high) / top or 1.0, zero_point=0, bits=bits)
    scale = (high - low) / ((1 << bits) - 1) or 1.0
    zero_point = nearest(-low / scale) - (1 << (bits - 1))
    return Quantization(scale=scale, zero_point=min(zero_point, top), bits=bits)


def nearest(value: float) -> int:
    """The nearest integer, half up; not floor(value + 1/2), a sum that rounds on its own."""
    whole = floor(value)
    return whole + (value - whole >= 0.5)
