"""Between real values and the codes of a tensor."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith import Binary, Integer
from bitwright.network import Network, Quantization


def encode(values: ArrayLike, quantization: Quantization) -> NDArray[np.integer[Any]]:
    """clamp(zero_point + round(values / scale)), ties to even, as int8.

    Of a binary tensor, 1 from half the scale on: the middle of an image's range, 0..1.

    float32 and float64 inputs of equal value give equal codes: the quotient is that of float64.
    Raises ValueError for NaN.

    >>> encode([0.0, 0.25, 0.75, 90.0], Quantization(scale=0.5, zero_point=-128)).tolist()
    [-128, -128, -126, 52]
    """
    if quantization.binary:
        above = np.asarray(values).astype(np.float64) - quantization.scale / 2
        return Binary().encode(above).codes.astype(np.int8)
    encoded = Integer(quantization.bits).encode(
        np.asarray(values).astype(np.float64),
        scale=quantization.scale,
        zero_point=quantization.zero_point,
    )
    return encoded.codes


def input_codes(images: NDArray[np.float32], network: Network) -> NDArray[np.int8]:
    """Images (N, C, H, W) of 0..1 as a network's input, flat where it takes vectors."""
    codes = encode(images, network.input.output).astype(np.int8)
    return codes.reshape(len(codes), *network.input.shape)


def decode(codes: ArrayLike, quantization: Quantization) -> NDArray[np.float64]:
    """scale (codes - zero_point), and of a binary tensor scale (2 codes - 1).

    >>> decode([-128, -126], Quantization(scale=0.5, zero_point=-128)).tolist()
    [0.0, 1.0]
    """
    if quantization.binary:
        signs = 2 * np.asarray(codes, np.int64) - 1
        return np.multiply(signs, quantization.scale, dtype=np.float64)
    steps = np.asarray(codes, np.int64) - quantization.zero_point
    return np.multiply(steps, quantization.scale, dtype=np.float64)
