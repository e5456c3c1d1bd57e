"""Exponents of floats, from their bits: never from a floating logarithm."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import Integers
from bitwright.arith.nearest import Real

LEAST, GREATEST = -127, 127
"""Of a shared exponent: a byte e + 127, as E8M0 stores it, whose code 255 stays unused.

Within them every scale is a float32 (2^-127 is subnormal), and so are a block's values.
"""


def floor_exponent(magnitude: Real) -> Integers:
    """Compute floor(log2 magnitude), exactly; `LEAST` - 1 for zero.

    >>> floor_exponent(np.float32([1, 1.999, 2**20 * (1 - 2**-24), 0])).tolist()
    [0, 0, 19, -128]
    """
    exponent = np.frexp(magnitude)[1].astype(np.int64) - 1
    return np.where(magnitude == 0, LEAST - 1, exponent)


def nearest_exponent(magnitude: Real) -> Integers:
    """Give the exponent of the power of two nearest in value, ties up; `LEAST` - 1 for zero.

    >>> nearest_exponent(np.float32([1, 1.499, 1.5, 0])).tolist()
    [0, 0, 1, -128]
    """
    mantissa, exponent = np.frexp(magnitude)  # 1/2 <= mantissa < 1
    nearest = exponent.astype(np.int64) - (mantissa < 0.75)
    return np.where(magnitude == 0, LEAST - 1, nearest)


def power(exponent: NDArray[np.integer[Any]], dtype: np.dtype[Any]) -> Real:
    """Compute 2^exponent, exactly where ``dtype`` holds it."""
    return np.asarray(np.ldexp(dtype.type(1), exponent))


def pack_exponents(exponents: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Give each shared exponent e as the byte e + 127, in C order.

    >>> pack_exponents(np.array([-127, 0, 127])).tolist()
    [0, 127, 254]
    """
    outside = (exponents < LEAST) | (exponents > GREATEST)
    if outside.any():
        raise ValueError(
            f"shared exponents must lie in {LEAST}..{GREATEST}, but {int(exponents[outside][0])} "
            "does not"
        )
    return (exponents.astype(np.int64) - LEAST).astype(np.uint8).reshape(-1)


def unpack_exponents(data: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Give the shared exponents, of that shape, that `pack_exponents` packed."""
    count = int(np.prod(shape, dtype=np.int64))
    if data.shape != (count,):
        raise ValueError(f"{count} shared exponents are {count} bytes, not {data.shape}")
    if (data == 255).any():
        raise ValueError("a shared exponent is a byte in 0..254, but 255 occurs: NaN in E8M0")
    return (data.astype(np.int16) + LEAST).reshape(shape).astype(np.int16)
