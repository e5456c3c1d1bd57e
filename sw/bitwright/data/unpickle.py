"""Reading numpy arrays out of a pickle without running what else it may hold."""

import pickle
from typing import Any, BinaryIO

import numpy as np
from numpy._core import multiarray

# All that a pickled array names; numpy 1 and 2 keep the function in differently named modules.
_ADMITTED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): multiarray._reconstruct,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that admits numpy arrays (in tuples, lists, dicts, numbers, text) alone.

    Anything else is a `pickle.UnpicklingError` that names it, raised before it is imported.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # latin1: arrays pickled by Python 2 keep their bytes in its strings.
        super().__init__(stream, encoding="latin1")

    def find_class(self, module_name: str, global_name: str) -> Any:
        """The named object, if it belongs to an array."""
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"refused {module_name}.{global_name}: only numpy arrays are admitted"
            ) from None
