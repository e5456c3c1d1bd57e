"""What is wrong with a network, said once in one form: layer, rule, value."""

from collections.abc import Sequence
from typing import NoReturn

import numpy as np


class NetworkError(ValueError):
    """A network breaks a rule; the text names the layer, the rule and the value found."""


class NetworkFileError(NetworkError):
    """Bytes that are no network this version reads; the text names the file and what is wrong."""


def reject(layer: str, rule: str, found: str) -> NoReturn:
    """Raise `NetworkError` ``layer '<layer>': <rule>, found <found>``."""
    raise NetworkError(f"layer {layer!r}: {rule}, found {found}")


def require(holds: bool, layer: str, rule: str, value: object) -> None:
    """Reject the layer for this value unless the rule holds."""
    if not holds:
        reject(layer, rule, repr(value))


def is_int(value: object, low: int, high: int | None = None) -> bool:
    """Whether value is a Python int (no bool, no numpy scalar) in low .. high."""
    return type(value) is int and low <= value and (high is None or value <= high)


def require_ints(layer: str, what: str, values: object, count: int, low: int) -> None:
    """Require a tuple of ``count`` ints, each ``low`` or more."""
    good = isinstance(values, tuple) and len(values) == count
    good = good and all(is_int(value, low) for value in values)  # type: ignore[attr-defined]
    require(good, layer, f"{what} must be a tuple of {count} ints, each {low} or more", values)


def require_array(layer: str, what: str, array: object, shape: Sequence[int | None]) -> None:
    """Require a numpy array of integers of this shape; None is any size but zero."""
    sizes = str(tuple(shape)).replace("None", "n")
    rule = f"{what} must be an integer array of shape {sizes}"
    if not isinstance(array, np.ndarray):
        reject(layer, rule, f"a {type(array).__name__}")
    if not np.issubdtype(array.dtype, np.integer):
        reject(layer, rule, str(array.dtype))
    fits = array.ndim == len(shape) and all(
        size > 0 if wanted is None else size == wanted
        for size, wanted in zip(array.shape, shape, strict=True)
    )
    require(fits, layer, rule, array.shape)


def require_range(layer: str, what: str, array: np.ndarray, low: int, high: int) -> None:
    """Require every element in low .. high; name the first that is not, and its index."""
    outside = (array < low) | (array > high)
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        reject(layer, f"{what} must lie in {low}..{high}", f"{array[index]} at index {index}")
