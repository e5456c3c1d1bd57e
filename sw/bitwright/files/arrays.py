"""Arrays from .npy files that somebody else wrote."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY"


def read_npy(path: Path) -> NDArray[Any]:
    """Give the array of real numbers in a .npy file; nothing in it is ever executed.

    Raises ValueError, naming the file, for what is no .npy file, for objects, which would have to
    be unpickled, and for numbers that are not float16, float32, float64 or integer; OSError for a
    file that cannot be read.
    """
    with path.open("rb") as file:
        magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        raise ValueError(f"{path} is not a .npy file; np.save writes one")
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as an array: {error}") from None
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise ValueError(
            f"{path} holds {array.dtype}; real numbers are needed: float16, float32, float64 or "
            "integer"
        )
    return array
