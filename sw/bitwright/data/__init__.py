from bitwright.data.cache import DataError, cache_directory
from bitwright.data.catalogue import load, names
from bitwright.data.dataset import Dataset, Split
from bitwright.data.idx import load_idx, split_from_idx

__all__ = [
    "DataError",
    "Dataset",
    "Split",
    "cache_directory",
    "load",
    "load_idx",
    "names",
    "split_from_idx",
]
