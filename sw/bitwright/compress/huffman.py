"""Canonical Huffman codes for weights; what they are is `bitwright.arith.huffman`'s."""

from bitwright.arith.huffman import LENGTH_BITS, MAX_LENGTH, HuffmanCode, HuffmanError

__all__ = ["LENGTH_BITS", "MAX_LENGTH", "HuffmanCode", "HuffmanError"]
