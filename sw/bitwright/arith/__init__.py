"""The one definition of arithmetic: integers in, integers out, numpy only."""

from bitwright.arith.accumulated import Accumulated
from bitwright.arith.accumulator import accumulator_bits
from bitwright.arith.affine import Affine, Integer
from bitwright.arith.binary import pack_words, xnor_dot
from bitwright.arith.block import BlockExponents, BlockFormat
from bitwright.arith.block_families import BlockFloat, BlockLogarithm, BlockMinifloat
from bitwright.arith.catalogue import parse
from bitwright.arith.codebook import Centroids, Codebook
from bitwright.arith.comparison import Quality, compare
from bitwright.arith.dots import conv2d, dot, matmul
from bitwright.arith.element import Element
from bitwright.arith.exponent_window import ExponentWindow, Windowed, encode_within
from bitwright.arith.facts import Facts, describe
from bitwright.arith.fixed import Fixed
from bitwright.arith.folding import BatchNorm, fold_batch_norm
from bitwright.arith.format import Encoded, Format
from bitwright.arith.lookup import Lookup, build_lookup
from bitwright.arith.lowbit import Binary, RealScale, Ternary
from bitwright.arith.microscaling import Microscaling
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.multiplier import quantize_multiplier
from bitwright.arith.nearest import Overflow
from bitwright.arith.nvfp4 import Nvfp4, TwoLevelScale
from bitwright.arith.packing import pack_bits, unpack_bits
from bitwright.arith.power import PowerOfTwo, StaticExponent
from bitwright.arith.reencoding import encode_accumulators
from bitwright.arith.requantization import requantize, requantize_sum
from bitwright.arith.rounding import Rounding, shift_round
from bitwright.arith.scalar import Denormalised, Float, Fp8
from bitwright.arith.thresholds import Thresholds, apply_thresholds, find_thresholds
from bitwright.arith.uniform import Uniform
from bitwright.arith.width import Width, accumulator_width

__all__ = [
    "Accumulated",
    "Affine",
    "BatchNorm",
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
    "ExponentWindow",
    "Facts",
    "Fixed",
    "Float",
    "Format",
    "Fp8",
    "Integer",
    "Lookup",
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
    "Thresholds",
    "TwoLevelScale",
    "Uniform",
    "Width",
    "Windowed",
    "accumulator_bits",
    "accumulator_width",
    "apply_thresholds",
    "build_lookup",
    "compare",
    "conv2d",
    "describe",
    "dot",
    "encode_accumulators",
    "encode_within",
    "find_thresholds",
    "fold_batch_norm",
    "matmul",
    "pack_bits",
    "pack_words",
    "parse",
    "quantize_multiplier",
    "requantize",
    "requantize_sum",
    "shift_round",
    "unpack_bits",
    "xnor_dot",
]
