"""From real ranges and weights to scales, codes and integer multipliers.

Floats end here: what leaves this module for the network is integers, apart from the scales that
say what the codes mean.
"""

from dataclasses import dataclass
from math import floor, isinf, ldexp

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Integer, quantize_multiplier
from bitwright.compress.calibrate import Range
from bitwright.importers.graph import Array
from bitwright.network import Codes, Quantization

_BIAS_LIMIT = 1 << 30
_LEAST_RATIO = 2.0**-24
"""Of accumulator step to output step: finer accumulators would only cost width."""
_MULTIPLIER_LIMIT = (1 << 31) - 1
_SHIFT_LIMIT = 62


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
    zero_point = _nearest(-low / scale) - (1 << (bits - 1))
    return Quantization(scale=scale, zero_point=min(zero_point, top), bits=bits)


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """Integer weight and bias of a convolution or linear layer."""

    codes: Codes
    """As the weight, -(2^(bits-1)-1) .. 2^(bits-1)-1."""
    bias: Codes
    """(O,), in steps of the accumulator."""
    step: NDArray[np.float64]
    """(O,), the real value of 1 in the accumulator: input scale times weight scale."""


def quantize_weight(
    weight: Array, bias: Array, source: Quantization, output: Quantization, bits: int
) -> QuantizedWeight:
    """Symmetric codes per output channel; bias in steps of input scale times weight scale.

    A channel's weight scale is its greatest magnitude over the greatest code, but so large that
    the bias stays within 30 bits and the multiplier is no smaller than 2^-24: a dead channel,
    whose weights are all or nearly zero, keeps its bias.
    """
    top = (1 << (bits - 1)) - 1
    scale = np.abs(weight).reshape(len(weight), -1).max(axis=1) / top
    scale = np.maximum(scale, np.abs(bias) / (source.scale * _BIAS_LIMIT))
    scale = np.maximum(scale, output.scale / source.scale * _LEAST_RATIO)
    step = scale * source.scale
    codes = Integer(bits).encode(weight, scale=scale, channel_axis=0, narrow=True).codes
    return QuantizedWeight(
        codes=codes.astype(np.int64),
        bias=np.rint(bias / step).astype(np.int64),
        step=step,
    )


def paired_multipliers(
    ratios: NDArray[np.float64], second: float, bits: int
) -> tuple[Codes, Codes, Codes]:
    """(multiplier, multiplier of the second operand, shift), one shift for both, per ratio.

    The shift is the one that suits the ratio, or the greatest that keeps the second multiplier
    within 31 bits.
    """
    _, shift = quantize_multiplier(ratios, bits)
    shift = np.minimum(shift, _greatest_shift(second))
    first = np.array([at_shift(r, s) for r, s in zip(ratios, shift, strict=True)], np.int64)
    other = np.array([at_shift(second, s) for s in shift], np.int64)
    return first, other, shift


def at_shift(ratio: float, shift: int) -> int:
    """round(ratio 2^shift), half up: the multiplier of a ratio under a given shift."""
    return _nearest(ldexp(float(ratio), int(shift)))


def _greatest_shift(ratio: float) -> int:
    for shift in range(_SHIFT_LIMIT, -1, -1):
        if at_shift(ratio, shift) <= _MULTIPLIER_LIMIT:
            return shift
    raise ValueError(f"the scales differ by a factor of {ratio:g}, which no multiplier reaches")


def clamp_codes(low: float, high: float, output: Quantization) -> tuple[int, int]:
    """The least and the greatest code of an output clamped to the real values low .. high."""
    return _bound(low, output), _bound(high, output)


def _bound(value: float, output: Quantization) -> int:
    if isinf(value):
        return output.low if value < 0 else output.high
    code = output.zero_point + _nearest(value / output.scale)
    return min(max(code, output.low), output.high)


def _nearest(value: float) -> int:
    """The nearest integer, half up; not floor(value + 1/2), a sum that rounds on its own."""
    whole = floor(value)
    return whole + (value - whole >= 0.5)
