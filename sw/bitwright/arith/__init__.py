"""The one definition of arithmetic: integers in, integers out, numpy only."""

from bitwright.arith.accumulator import accumulator_bits
from bitwright.arith.affine import Affine, Integer
from bitwright.arith.catalogue import parse
from bitwright.arith.convolution import conv2d
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Encoded, Format
from bitwright.arith.multiplier import quantize_multiplier
from bitwright.arith.nearest import Overflow
from bitwright.arith.packing import pack_bits, unpack_bits
from bitwright.arith.products import matmul
from bitwright.arith.requantization import requantize, requantize_sum
from bitwright.arith.rounding import Rounding, shift_round

__all__ = [
    "Affine",
    "Encoded",
    "Fixed",
    "Format",
    "Integer",
    "Overflow",
    "Rounding",
    "accumulator_bits",
    "conv2d",
    "matmul",
    "pack_bits",
    "parse",
    "quantize_multiplier",
    "requantize",
    "requantize_sum",
    "shift_round",
    "unpack_bits",
]
