"""Exponents of floats, from their bits: never from a floating logarithm."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.nearest import Real

LEAST, GREATEST = -127, 127
"""Of a shared exponent: a byte e + 127, as E8M0 stores it, whose code 255 stays unused.

Within them every scale is a float32 (2^-127 is subnormal), and so are a block's values.
"""

_EXPONENTS = np.arange(LEAST, GREATEST + 1)
_POWERS = {
    np.dtype(real): np.ldexp(real(1), _EXPONENTS) for real in (np.float32, np.float64)
}  # indexed by the stored byte

Exponents = NDArray[np.integer[Any]]


def floor_exponent(magnitude: Real) -> Exponents:
    """Compute floor(log2 magnitude) of finite numbers, not negative, or something below `LEAST`.

    >>> floor_exponent(np.float32([1, 1.999, 2**20 * (1 - 2**-24)])).tolist()
    [0, 0, 19]
    """
    info = np.finfo(magnitude.dtype)
    # The exponent field of zeros and subnormals is 0: taken for minexp - 1, at most LEAST.
    return (_bits(magnitude) >> info.nmant) + (int(info.minexp) - 1)


def nearest_exponent(magnitude: Real) -> Exponents:
    """Give the exponent of the power of two nearest in value, ties up; `LEAST` or below as it is.

    >>> nearest_exponent(np.float32([1, 1.499, 1.5])).tolist()
    [0, 0, 1]
    """
    info = np.finfo(magnitude.dtype)
    bits = _bits(magnitude)
    half = 1 << (int(info.nmant) - 1)
    # 1.5 2^(minexp-1) is the subnormal with mantissa 0.75; a half of carry would start at 0.5.
    carried = bits + np.where(bits < 2 * half, half // 2, half)
    return (carried >> info.nmant) + (int(info.minexp) - 1)


def power(exponent: Exponents, dtype: np.dtype[Any]) -> Real:
    """Give 2^exponent for shared exponents.

    >>> power(np.array([-1, 3]), np.dtype(np.float32))
    array([0.5, 8. ], dtype=float32)
    """
    return np.asarray(_POWERS[dtype][exponent - LEAST])


def pack_exponents(exponents: Exponents) -> NDArray[np.uint8]:
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
        raise ValueError(f"{count} shared exponents are {count} bytes, but data has {data.size}")
    if (data == 255).any():
        raise ValueError("a shared exponent is a byte in 0..254, but 255 occurs: NaN in E8M0")
    return (data.astype(np.int16) + LEAST).reshape(shape).astype(np.int16)


def _bits(magnitude: Real) -> NDArray[np.signedinteger[Any]]:
    return magnitude.view(f"i{magnitude.dtype.itemsize}")
