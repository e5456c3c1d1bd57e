"""scikit-learn's handwritten digits: 1,797 images of 8 x 8, values 0 .. 16."""

import numpy as np

from bitwright.data.cache import DataError
from bitwright.data.dataset import Dataset, Split

_SEED = 20260
_TEST = 450
_VALIDATION = 150


def load_digits() -> Dataset:
    """The digits, shuffled with a fixed seed: 1,197 train, 150 validation, 450 test."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise DataError(
            "the digits come with scikit-learn, which is not installed: "
            "pip install 'bitwright[demo]'"
        ) from error
    source = datasets.load_digits()
    order = np.random.default_rng(_SEED).permutation(len(source.target))
    pixels = source.images.astype(np.uint8)[order, None]  # (1797, 1, 8, 8)
    labels = source.target.astype(np.int64)[order]

    def split(start: int, stop: int) -> Split:
        return Split(pixels=pixels[start:stop], labels=labels[start:stop], full_scale=16)

    validation, train = _TEST, _TEST + _VALIDATION
    return Dataset(
        name="digits",
        classes=10,
        train=split(train, len(labels)),
        validation=split(validation, train),
        test=split(0, validation),
    )
