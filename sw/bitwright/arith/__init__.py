"""The one definition of arithmetic: integers in, integers out, numpy only."""

from bitwright.arith.accumulator import accumulator_bits
from bitwright.arith.convolution import conv2d
from bitwright.arith.multiplier import quantize_multiplier
from bitwright.arith.products import matmul
from bitwright.arith.requantization import requantize, requantize_sum
from bitwright.arith.rounding import Rounding, shift_round

__all__ = [
    "Rounding",
    "accumulator_bits",
    "conv2d",
    "matmul",
    "quantize_multiplier",
    "requantize",
    "requantize_sum",
    "shift_round",
]
