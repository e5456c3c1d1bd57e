"""The zoo's networks: of the sizes their sources state, seeded, spread over their codes."""

import numpy as np
import pytest
import torch
from tests.support.networks import random_codes

from bitwright.network import Conv2d
from bitwright.zoo import ZOO, build, module

# Multiply-accumulates by closed form: pixels x outputs x kernel x inputs of each layer, summed.
MACS = {
    "lenet5": 28**2 * 6 * 25 + 10**2 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10,
    "resnet8": 1024 * 16 * 9 * (3 + 32) + 256 * 32 * (9 * 48 + 16) + 64 * 64 * (9 * 96 + 32) + 640,
    "ds-cnn": 125 * 64 * (40 + 4 * (9 + 64)) + 64 * 12,
    "mobilenet-v1": 7_489_664,  # 7.49 M in Banbury et al. 2021, table 1 (0.25 x 96 x 96)
    "autoencoder": 640 * 128 * 2 + 128 * 128 * 6 + 128 * 8 * 2,
    "super-resolution": 64**2 * 9 * (3 * 16 + 4 * 16 * 16 + 16 * 3),
    "resnet18": 1_814_073_344,  # 1.81 G, as torchvision states for its resnet18
}


@pytest.mark.parametrize("name", ZOO)
def test_network_has_the_work_its_source_states(name: str) -> None:
    network = build(name)
    assert network.input.shape == ZOO[name].shape
    assert sum(network.macs().values()) == MACS[name]


@pytest.mark.parametrize("name", [name for name in ZOO if name != "resnet18"])
def test_codes_are_spread_over_the_range(name: str) -> None:
    """A layer of one code, or at the end of its range, would hide faults."""
    network = build(name)
    _, taps = network.run(random_codes(network, 4), taps=True)
    for layer in network:
        codes = taps[layer.name].astype(int)
        counts = np.bincount(codes.reshape(-1) + 128, minlength=256) / codes.size
        rectified = getattr(getattr(layer, "requantization", None), "low", -128) == 0
        if codes.size >= 40:
            assert max(counts[0], counts[255]) < 0.1, layer.name
            assert counts.max() < (0.7 if rectified else 0.4), layer.name


def test_seed_chooses_the_weights() -> None:
    def stem(seed: int) -> Conv2d:
        network = build("resnet8", seed)
        return next(layer for layer in network if isinstance(layer, Conv2d))

    assert (stem(3).weight == stem(3).weight).all()
    assert (stem(3).weight != stem(4).weight).any()


def test_torch_random_state_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    module("ds-cnn")
    assert torch.equal(torch.rand(3), expected)


def test_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no network 'vgg'; it has lenet5, resnet8, ds-cnn"):
        build("vgg")
