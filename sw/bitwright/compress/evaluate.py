"""Accuracy of a float or an integer network on a data set's split."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bitwright.compress.codes import input_codes
from bitwright.data import Split
from bitwright.importers.torch_export import evaluation
from bitwright.network import Network


def evaluate(model: nn.Module | Network, split: Split, batch_size: int = 1000) -> float:
    """The fraction of images whose greatest output is the label's; of equal outputs the first.

    A torch module is used in evaluation mode and left as it was.
    """
    if not len(split):
        raise ValueError("the split has no images")
    correct = 0
    for start in range(0, len(split), batch_size):
        part = slice(start, start + batch_size)
        images = split.pixels[part].astype(np.float32) / np.float32(split.full_scale)
        correct += int((_outputs(model, images).argmax(axis=1) == split.labels[part]).sum())
    return correct / len(split)


def _outputs(model: nn.Module | Network, images: NDArray[np.float32]) -> NDArray[np.generic]:
    if isinstance(model, Network):
        return model.run(input_codes(images, model))
    with evaluation(model), torch.no_grad():
        outputs: NDArray[np.generic] = model(torch.from_numpy(images)).numpy()
    return outputs
