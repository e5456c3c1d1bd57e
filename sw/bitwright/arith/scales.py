"""Real scales of a whole tensor or of its channels, and exact numbers rounded to floats."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.nearest import Real, as_real


def given_scale(scale: ArrayLike, dtype: np.dtype[Any]) -> Real:
    """Give ``scale`` as ``dtype``; ValueError unless it is positive, finite and normal there."""
    steps = as_real("scale", scale)
    with np.errstate(over="ignore", under="ignore"):
        rounded = steps.astype(dtype)
    offends = ~(np.isfinite(rounded) & (rounded >= np.finfo(dtype).tiny))
    if offends.any():
        value = float(steps[tuple(np.argwhere(offends)[0])])
        raise ValueError(f"scale must be positive and normal in {dtype}, but is {value!r}")
    return np.asarray(rounded)


def broadcast_shape(
    name: str, parameter: NDArray[Any], x: Real, channel_axis: int | None
) -> tuple[int, ...]:
    """Give the shape in which a number or a vector of channels broadcasts against x."""
    if parameter.ndim == 0:
        return ()
    if channel_axis is None:
        raise ValueError(
            f"{name} must be a number unless channel_axis is given, but has shape {parameter.shape}"
        )
    channels = x.shape[channel_axis] if x.ndim else 1
    if parameter.shape != (channels,):
        raise ValueError(
            f"{name} must have shape ({channels},), the channels of axis {channel_axis}, "
            f"but has {parameter.shape}"
        )
    return tuple(channels if i == channel_axis else 1 for i in range(x.ndim))


def nearest_float(value: Fraction, dtype: np.dtype[Any]) -> Real:
    """Round an exact number to ``dtype``: ties to even."""
    low = floor_float(value, dtype)
    high = np.nextafter(low, dtype.type(np.inf))
    beside = (Fraction(float(high)) - value) - (value - Fraction(float(low)))
    odd = int(low.view(f"i{dtype.itemsize}")) & 1
    return np.asarray(high if beside < 0 or (beside == 0 and odd) else low)


def floor_float(value: Fraction, dtype: np.dtype[Any]) -> Real:
    """Give the greatest finite number of ``dtype`` that is not above an exact number."""
    greatest = np.finfo(dtype).max
    if value >= Fraction(float(greatest)):
        return np.asarray(greatest)
    near = dtype.type(float(value))  # rounded twice: at most one neighbour away
    above = np.nextafter(near, greatest)
    below = np.nextafter(near, -greatest)
    return np.asarray(next(v for v in (above, near, below) if Fraction(float(v)) <= value))


def ceil_float(value: Fraction, dtype: np.dtype[Any], strict: bool) -> Real:
    """Give the least number of ``dtype`` that is not below an exact number, or above if strict."""
    low = floor_float(value, dtype)
    if Fraction(float(low)) == value and not strict:
        return low
    return np.asarray(np.nextafter(low, dtype.type(np.inf)))
