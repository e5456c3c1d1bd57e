"""IDX files, the format MNIST and its relatives are published in; gzipped or not."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.data.cache import DataError
from bitwright.data.dataset import Split

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def load_idx(path: str | Path) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes: images are (N, H, W), labels (N,).

    Raises `DataError` that names the file where it is missing, no IDX file, of another element
    type, or cut short.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or not content[3]:
        raise DataError(f"{path}: not an IDX file (it must start with two zero bytes)")
    if content[2] != _UNSIGNED_BYTE:
        raise DataError(
            f"{path}: elements of type 0x{content[2]:02x}; only unsigned bytes (0x08) are read"
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"{path}: the header is cut short")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != prod(shape):
        raise DataError(
            f"{path}: shape {shape} needs {prod(shape)} bytes, but {len(content) - start} follow"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()


def split_from_idx(images: str | Path, labels: str | Path) -> Split:
    """A split of one-channel images from the two files of, say, MNIST's test set."""
    pixels, numbers = load_idx(images), load_idx(labels)
    if pixels.ndim != 3:
        raise DataError(f"{images}: images must have 3 dimensions, not {pixels.ndim}")
    if numbers.shape != (len(pixels),):
        raise DataError(
            f"{labels}: shape {numbers.shape} does not fit {len(pixels)} images of {images}"
        )
    return Split(pixels=pixels[:, None], labels=numbers.astype(np.int64))
