"""Weights and parameters in the order the hardware reads them."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def array_weights(weight: NDArray[np.int64], depth: int, columns: int, lanes: int) -> Bytes:
    """(O, ky, segments, n) codes as words (channel tile, ky, segment, element) of C weights.

    Segments are padded with zeros to whole K-words of ``lanes`` elements, ``depth`` in all;
    channels to whole tiles. Returns (words, lanes).
    """
    outputs, kernel_y, segments, length = weight.shape
    tiles = -(-outputs // columns)
    padded = np.zeros((tiles * columns, kernel_y, segments, depth), np.int8)
    padded[:outputs, :, :, :length] = weight
    rows = padded.reshape(tiles, columns, kernel_y * segments * depth).transpose(0, 2, 1)
    words = np.zeros((tiles * rows.shape[1], lanes), np.int8)
    words[:, :columns] = rows.reshape(-1, columns)
    return words.view(np.uint8)


def binary_weights(weight: NDArray[np.int64], words: int, columns: int, lanes: int) -> Bytes:
    """(O, ky, segments, n) bits as words (channel tile, ky, segment, word, channel) of 8 ``lanes``.

    Segments are padded with zeros to ``words`` words, channels to whole tiles. Returns (words,
    lanes).
    """
    outputs, kernel_y, segments, length = weight.shape
    tiles, bits = -(-outputs // columns), 8 * lanes
    padded = np.zeros((tiles * columns, kernel_y, segments, words * bits), np.uint8)
    padded[:outputs, :, :, :length] = weight
    rows = padded.reshape(tiles, columns, kernel_y * segments * words, bits)
    return np.packbits(rows.transpose(0, 2, 1, 3).reshape(-1, bits), axis=1, bitorder="little")


def vector_weights(weight: NDArray[np.int64], lanes: int) -> Bytes:
    """(C, kh, kw) depthwise codes as words (channel tile, ky, kx) of one weight per lane."""
    channels, kh, kw = weight.shape
    tiles = -(-channels // lanes)
    padded = np.zeros((tiles * lanes, kh * kw), np.int8)
    padded[:channels] = weight.reshape(channels, -1)
    words = padded.reshape(tiles, lanes, kh * kw).transpose(0, 2, 1).reshape(-1, lanes)
    return np.ascontiguousarray(words).view(np.uint8)


def records(
    bias: NDArray[np.int64],
    multiplier: NDArray[np.int64],
    shift: NDArray[np.int64],
    residual: NDArray[np.int64] | None,
    multiple: int,
) -> Bytes:
    """Parameter records (channels rounded up to ``multiple``, 16 bytes)."""
    channels = len(bias)
    words = np.zeros((-(-channels // multiple) * multiple, 4), np.uint32)
    # The lanes add modulo 2^32; the true sum fits, so a folded bias may wrap.
    words[:channels, 0] = (bias & 0xFFFF_FFFF).astype(np.uint32)
    words[:channels, 1] = multiplier
    words[:channels, 2] = 0 if residual is None else residual
    words[:channels, 3] = shift
    return words.view(np.uint8).reshape(-1, 16)


def record_beats(packed: Bytes, lanes: int) -> Bytes:
    """Records as stream beats of ``lanes`` bytes."""
    if lanes > 16:
        beats = np.zeros((len(packed), lanes), np.uint8)
        beats[:, :16] = packed
        return beats
    return packed.reshape(-1, lanes)
