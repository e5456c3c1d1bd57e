"""From real ranges and weights to scales, codes and integer multipliers.

Floats end here: what leaves this module for the network is integers, apart from the scales that
say what the codes mean.
"""

from dataclasses import dataclass
from math import isinf, ldexp

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Integer, quantize_multiplier
from bitwright.compress.grid import Grid
from bitwright.compress.methods.calibration.quantization import nearest
from bitwright.importers.graph import Array
from bitwright.network import Codes, Quantization

_BIAS_LIMIT = 1 << 30
_LEAST_RATIO = 2.0**-24
"""Of accumulator step to output step: finer accumulators would only cost width."""
_MULTIPLIER_LIMIT = (1 << 31) - 1
_SHIFT_LIMIT = 62


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """Integer weight and bias of a convolution or linear layer."""

    codes: Codes
    """As the weight, -(2^(bits-1)-1) .. 2^(bits-1)-1."""
    bias: Codes
    """(O,), in steps of the accumulator."""
    step: NDArray[np.float64]
    """(O,), the real value of 1 in the accumulator: input scale times weight scale."""
    bits: int
    """Width of the codes."""


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
    scale = np.maximum(scale, _least_scale(bias, source, output))
    codes = Integer(bits).encode(weight, scale=scale, channel_axis=0, narrow=True).codes
    return _with_bias(codes.astype(np.int64), bias, scale * source.scale, bits)


def encode_weight(
    weight: Array, bias: Array, source: Quantization, output: Quantization, grid: Grid
) -> QuantizedWeight:
    """The codes of weights that lie on a grid; the bias as `quantize_weight` does.

    A channel whose scale is too small for its bias or multiplier keeps values, not codes: they
    are rounded to the least scale that will do.
    """
    codes, bits = grid.codes(grid.index(weight)), grid.weight_bits
    least = _least_scale(bias, source, output)
    fine = grid.scale < least
    scale = np.maximum(grid.scale, least)
    if fine.any():
        values = grid.values(grid.index(weight))[fine]
        coarse = Integer(8).encode(values, scale=scale[fine], channel_axis=0, narrow=True).codes
        codes[fine] = coarse
    return _with_bias(codes, bias, scale * source.scale, bits)


def _least_scale(bias: Array, source: Quantization, output: Quantization) -> NDArray[np.float64]:
    """The least weight scale under which bias and multiplier have their width, per channel."""
    for_bias = np.abs(bias) / (source.scale * _BIAS_LIMIT)
    return np.asarray(np.maximum(for_bias, output.scale / source.scale * _LEAST_RATIO))


def _with_bias(codes: Codes, bias: Array, step: NDArray[np.float64], bits: int) -> QuantizedWeight:
    return QuantizedWeight(
        codes=codes, bias=np.rint(bias / step).astype(np.int64), step=step, bits=bits
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
    return nearest(ldexp(float(ratio), int(shift)))


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
    code = output.zero_point + nearest(value / output.scale)
    return min(max(code, output.low), output.high)
