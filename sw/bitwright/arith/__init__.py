"""The arithmetic contract, in numpy integers: the one definition everything else obeys."""

from bitwright.arith.products import accumulator_bits, conv2d, matmul
from bitwright.arith.requantization import quantize_multiplier, requantize, requantize_sum
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
