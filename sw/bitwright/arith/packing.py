"""Codes as the hardware stores them: a stream of bit fields, least significant bit first.

Element i of the array (in C order) occupies bits i N .. i N + N-1 of the stream, its least
significant bit first; bit j of the stream is bit j mod 8 of byte j // 8. A signed code is stored in
two's complement. The last byte is filled up with zeros.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.checks import Integers, as_integers, check_range

Bytes = NDArray[np.uint8]

_WORD = 32  # widest field


def pack_bits(codes: ArrayLike, bits: int) -> Bytes:
    """Give the low ``bits`` bits of each code, end to end, as bytes; any shape, taken in C order.

    ValueError unless every code fits ``bits`` bits, signed or unsigned.

    >>> pack_bits([1, -1, 3], 4)  # nibbles 1, f, 3: low nibble first
    array([241,   3], dtype=uint8)
    """
    _check_width(bits)
    fields = as_integers("codes", codes).reshape(-1)
    check_range("codes", fields, -(1 << (bits - 1)), (1 << bits) - 1)
    words = fields.astype("<i8").view(np.uint8).reshape(-1, 8)[:, : _WORD // 8]
    if bits % 8 == 0:
        return words[:, : bits // 8].reshape(-1)
    every = np.unpackbits(words, axis=1, bitorder="little")  # (elements, 32)
    return np.packbits(every[:, :bits], bitorder="little")


def unpack_bits(data: ArrayLike, bits: int, count: int, signed: bool) -> Integers:
    """Give the ``count`` codes that `pack_bits` packed into ``data``.

    ValueError unless ``data`` has just ceil(count bits / 8) bytes, filled up with zeros.

    >>> unpack_bits([241, 3], 4, 3, signed=True)
    array([ 1, -1,  3])
    """
    _check_width(bits)
    stream = as_integers("data", data)
    check_range("data", stream, 0, 255)
    needed = -(-count * bits // 8)
    if stream.shape != (needed,):
        raise ValueError(
            f"{count} codes of {bits} bits are {needed} bytes, but data has shape {stream.shape}"
        )
    every = np.unpackbits(stream.astype(np.uint8), bitorder="little")
    if every[count * bits :].any():
        raise ValueError(f"the bits after {count} codes of {bits} bits must be zero, but are not")
    fields = np.zeros((count, 64), np.uint8)
    fields[:, :bits] = every[: count * bits].reshape(count, bits)
    codes = np.packbits(fields, axis=1, bitorder="little").reshape(-1).view("<i8").astype(np.int64)
    if signed:
        codes -= (codes >> (bits - 1)) << bits  # the sign bit weighs -2^(bits-1)
    return codes


def _check_width(bits: int) -> None:
    if not 1 <= bits <= _WORD:
        raise ValueError(f"bits must lie in 1..{_WORD}, but is {bits}")
