"""The one definition of arithmetic: integers in, integers out, numpy only."""

from bitwright.arith.accumulator import accumulator_bits
from bitwright.arith.affine import Affine, Integer
from bitwright.arith.block import BlockExponents, BlockFormat
from bitwright.arith.block_families import BlockFloat, BlockLogarithm, BlockMinifloat
from bitwright.arith.catalogue import parse
from bitwright.arith.codebook import Centroids, Codebook
from bitwright.arith.comparison import Quality, compare
from bitwright.arith.convolution import conv2d
from bitwright.arith.element import Element
from bitwright.arith.facts import Facts, describe
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Encoded, Format
from bitwright.arith.lowbit import Binary, RealScale, Ternary
from bitwright.arith.microscaling import Microscaling
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.multiplier import quantize_multiplier
from bitwright.arith.nearest import Overflow
from bitwright.arith.nvfp4 import Nvfp4, TwoLevelScale
from bitwright.arith.packing import pack_bits, unpack_bits
from bitwright.arith.power import PowerOfTwo, StaticExponent
from bitwright.arith.products import matmul
from bitwright.arith.requantization import requantize, requantize_sum
from bitwright.arith.rounding import Rounding, shift_round
from bitwright.arith.scalar import Denormalised, Float, Fp8
from bitwright.arith.uniform import Uniform

__all__ = [
    "Affine",
    "Binary",
    "BlockExponents",
    "BlockFloat",
    "BlockFormat",
    "BlockLogarithm",
    "BlockMinifloat",
    "Centroids",
    "Codebook",
    "Denormalised",
    "Element",
    "Encoded",
    "Facts",
    "Fixed",
    "Float",
    "Format",
    "Fp8",
    "Integer",
    "Microscaling",
    "Minifloat",
    "Nvfp4",
    "Overflow",
    "PowerOfTwo",
    "Quality",
    "RealScale",
    "Rounding",
    "StaticExponent",
    "Ternary",
    "TwoLevelScale",
    "Uniform",
    "accumulator_bits",
    "compare",
    "conv2d",
    "describe",
    "matmul",
    "pack_bits",
    "parse",
    "quantize_multiplier",
    "requantize",
    "requantize_sum",
    "shift_round",
    "unpack_bits",
]
