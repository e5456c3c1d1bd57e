"""Real scales of a whole tensor or of its channels: given, or derived from the numbers.

A mean is the exact sum divided and rounded once, so that it depends neither on the order of the
elements nor on the machine.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.nearest import Real, as_real, reject_nan

_EXACT_COUNT = 1 << 26
"""Mantissa halves of up to 27 bits add exactly in float64 up to here: 2^27 2^26 = 2^53."""


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


def other_axes(x: Real, channel_axis: int | None) -> tuple[int, ...] | None:
    """Give every axis but the channels', or None for all of a tensor."""
    if channel_axis is None:
        return None
    return tuple(i for i in range(x.ndim) if i != channel_axis)


def finite_extremes(x: Real, channel_axis: int | None) -> tuple[Real, Real]:
    """Give min(x, 0) and max(x, 0) over finite x: of all, or shaped to broadcast per channel.

    ValueError for NaN, with its first index.
    """
    axes = other_axes(x, channel_axis)
    kept = axes is not None
    least = np.asarray(np.min(x, axis=axes, keepdims=kept, initial=0))
    greatest = np.asarray(np.max(x, axis=axes, keepdims=kept, initial=0))
    if np.isnan(greatest).any():
        reject_nan("x", x)
    if np.isinf(least).any() or np.isinf(greatest).any():
        finite = np.isfinite(x)
        least = np.asarray(np.min(x, axis=axes, keepdims=kept, initial=0, where=finite))
        greatest = np.asarray(np.max(x, axis=axes, keepdims=kept, initial=0, where=finite))
    return least, greatest


def per_channel(x: Real, channel_axis: int | None) -> Iterator[Real]:
    """Give the elements of each channel, or of the whole tensor, as a vector."""
    if channel_axis is None or x.ndim == 0:
        yield x.reshape(-1)
        return
    for channel in np.moveaxis(x, channel_axis, 0):
        yield channel.reshape(-1)


def exact_sum(magnitudes: Real) -> Fraction:
    """Add finite numbers, not negative, exactly.

    Mantissas of equal exponent are integers below 2^53; their upper and lower halves add in
    float64 without rounding.

    >>> exact_sum(np.array([1e300, 1e-300])) == Fraction(1e300) + Fraction(1e-300)
    True
    """
    total = Fraction(0)
    for start in range(0, magnitudes.size, _EXACT_COUNT):
        mantissa, exponent = np.frexp(magnitudes[start : start + _EXACT_COUNT].astype(np.float64))
        mantissa *= 1 << 27
        high = np.floor(mantissa)
        mantissa -= high
        bins = exponent.astype(np.int64) + 1074
        for part, shift in ((high, 27), (mantissa * (1 << 26), 53)):
            sums = np.bincount(bins, weights=part)
            for index in np.flatnonzero(sums):
                total += Fraction(int(sums[index])) * Fraction(2) ** (int(index) - 1074 - shift)
    return total


def nearest_float(value: Fraction, dtype: np.dtype[Any]) -> Real:
    """Round an exact number to ``dtype``: ties to even."""
    low = floor_float(value, dtype)
    high = np.nextafter(low, dtype.type(np.inf))
    beside = (Fraction(float(high)) - value) - (value - Fraction(float(low)))
    odd = int(low.view(f"i{dtype.itemsize}")) & 1
    return np.asarray(high if beside < 0 or (beside == 0 and odd) else low)


def floor_float(value: Fraction, dtype: np.dtype[Any]) -> Real:
    """Give the greatest finite number of ``dtype`` that is not above an exact number."""
    limit = float(np.finfo(dtype).max)
    guess = dtype.type(min(float(value), limit))  # rounded twice: at most one neighbour away
    guess = np.nextafter(guess, dtype.type(np.inf))
    while not Fraction(min(float(guess), limit)) <= value:
        guess = np.nextafter(guess, dtype.type(-np.inf))
    return np.asarray(np.minimum(guess, dtype.type(limit)))


def ceil_float(value: Fraction, dtype: np.dtype[Any], strict: bool) -> Real:
    """Give the least number of ``dtype`` that is not below an exact number, or above if strict."""
    low = floor_float(value, dtype)
    if Fraction(float(low)) == value and not strict:
        return low
    return np.asarray(np.nextafter(low, dtype.type(np.inf)))
