"""Between real values and the codes of a tensor."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith import Integer
from bitwright.network import Quantization


def encode(values: ArrayLike, quantization: Quantization) -> NDArray[np.integer[Any]]:
    """clamp(zero_point + round(values / scale)), ties to even, as int8.

    float32 and float64 inputs of equal value give equal codes: the quotient is that of float64.
    Raises ValueError for NaN.

    >>> encode([0.0, 0.25, 0.75, 90.0], Quantization(scale=0.5, zero_point=-128)).tolist()
    [-128, -128, -126, 52]
    """
    encoded = Integer(quantization.bits).encode(
        np.asarray(values).astype(np.float64),
        scale=quantization.scale,
        zero_point=quantization.zero_point,
    )
    return encoded.codes


def decode(codes: ArrayLike, quantization: Quantization) -> NDArray[np.float64]:
    """scale (codes - zero_point).

    >>> decode([-128, -126], Quantization(scale=0.5, zero_point=-128)).tolist()
    [0.0, 1.0]
    """
    steps = np.asarray(codes, np.int64) - quantization.zero_point
    return np.multiply(steps, quantization.scale, dtype=np.float64)
