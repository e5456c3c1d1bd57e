"""The data sets by name."""

from collections.abc import Callable

from bitwright.data.dataset import Dataset
from bitwright.data.digits import load_digits
from bitwright.data.mnist import load_mnist

_LOADERS: dict[str, Callable[[], Dataset]] = {"digits": load_digits, "mnist": load_mnist}


def names() -> tuple[str, ...]:
    """What `load` accepts."""
    return tuple(_LOADERS)


def load(name: str) -> Dataset:
    """The data set ``name``, the same in every run; `DataError` where it cannot be had.

    >>> load("digits").shape
    (1, 8, 8)
    """
    if name not in _LOADERS:
        raise ValueError(f"unknown data set {name!r}; choose one of {', '.join(_LOADERS)}")
    return _LOADERS[name]()
