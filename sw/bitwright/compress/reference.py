"""A data set's reference network, trained and quantized, with the images to test it on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.compress.codes import input_codes
from bitwright.compress.evaluate import evaluate
from bitwright.compress.quantize import quantize
from bitwright.compress.train import Report, train_reference
from bitwright.data import Split, load
from bitwright.importers import export
from bitwright.network import Network

CALIBRATION = 512
"""Images of the train split that set the ranges."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedReference:
    """What a demonstration runs."""

    network: Network
    test: Split
    """The images the two accuracies are of."""
    accuracy_float: float | None
    """None if only the network of integers is at hand."""
    accuracy_reference: float
    """Of the integer network."""

    @property
    def codes(self) -> NDArray[np.int8]:
        """The test images as the network's input codes."""
        return input_codes(self.test.images, self.network)


def quantize_reference(
    name: str, *, images: int | None = None, seed: int = 0, progress: Report | None = None
) -> QuantizedReference:
    """Train and quantize the network of the data set ``name``; ``images`` None tests on all."""
    model, dataset = train_reference(name, seed=seed, progress=progress)
    program = export(model, dataset.train.images[:2])
    chosen = dataset.train.take(min(CALIBRATION, len(dataset.train)))
    network = quantize(program, chosen.images)
    count = len(dataset.test) if images is None else min(images, len(dataset.test))
    test = dataset.test.take(count)
    return QuantizedReference(
        network=network,
        test=test,
        accuracy_float=evaluate(model, test),
        accuracy_reference=evaluate(network, test),
    )


def load_reference(path: Path, name: str, *, images: int | None = None) -> QuantizedReference:
    """A network of integers that is trained already, with the data set ``name`` to test it on."""
    network, dataset = Network.load(path), load(name)
    count = len(dataset.test) if images is None else min(images, len(dataset.test))
    test = dataset.test.take(count)
    return QuantizedReference(
        network=network,
        test=test,
        accuracy_float=None,
        accuracy_reference=evaluate(network, test),
    )
