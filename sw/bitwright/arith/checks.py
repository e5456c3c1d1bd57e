"""Input checks: every out-of-range input is an error that names the value and what is accepted."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers: TypeAlias = NDArray[np.int64]


def integer_array(name: str, value: ArrayLike) -> NDArray[np.integer]:
    """Give ``value`` as an array of whatever integer type it has; TypeError for any other type."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        if array.size == 0 and not isinstance(value, np.ndarray):
            return array.astype(np.int64)  # an empty list has no type of its own
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    return array


def as_integers(name: str, value: ArrayLike) -> Integers:
    """Give ``value`` as int64; TypeError if it is not integer, ValueError if it exceeds int64."""
    array = integer_array(name, value)
    if array.dtype == np.uint64:
        check_range(name, array, 0, (1 << 63) - 1)
    return array.astype(np.int64, copy=False)


def extremes(array: NDArray[np.integer]) -> tuple[int, int]:
    """Give (least, greatest) element, as Python integers; (0, 0) of an empty array."""
    if array.size == 0:
        return 0, 0
    return int(array.min()), int(array.max())


def magnitude(array: NDArray[np.integer]) -> int:
    """Give max |element| as a Python integer, so that -2^63 has one; 0 of an empty array."""
    low, high = extremes(array)
    return max(-low, high, 0)


def check_range(name: str, array: NDArray[np.integer], low: int, high: int) -> None:
    """Raise ValueError, naming the first offender and its index, unless low <= array <= high."""
    least, greatest = extremes(array)
    if array.size == 0 or (least >= low and greatest <= high):
        return
    # Compared as the array's own type: low or high may not fit it, and then nothing exceeds it.
    info = np.iinfo(array.dtype)
    offends = (array < max(low, int(info.min))) | (array > min(high, int(info.max)))
    index = tuple(int(i) for i in np.argwhere(offends)[0])
    place = f" at index {index}" if index else ""
    raise ValueError(f"{name} must lie in {low}..{high}, but {int(array[index])}{place} does not")
