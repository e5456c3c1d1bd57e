"""From a name to a module with seeded random weights, and to its integer network."""

import torch
from torch import Tensor, nn

from bitwright.compress import quantize
from bitwright.network import Network
from bitwright.zoo.catalogue import find

CALIBRATION = 8
"""Random inputs that set the ranges."""


def module(name: str, seed: int = 0) -> nn.Module:
    """The network in evaluation mode with random weights and the statistics that go with them.

    Each batch norm has the mean and variance of what reaches it on `calibration_inputs`: without,
    a deep network of random weights lets its activations fade to nothing.
    """
    entry = find(name)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        made = entry.make()
        norms = [m for m in made.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # a plain mean: the statistics of the one batch
        made.train()(calibration_inputs(name, seed))
    return made.eval()


def calibration_inputs(name: str, seed: int = 0, count: int = CALIBRATION) -> Tensor:
    """Uniform inputs in -1 .. 1 (count, ...), from a generator of their own."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((count, *find(name).shape), generator=generator) - 1


def build(name: str, seed: int = 0) -> Network:
    """The integer network: the module of random weights, quantized as any other is."""
    return quantize(module(name, seed), calibration_inputs(name, seed))
