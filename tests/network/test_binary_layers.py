"""Binary layers against loops over their definition, their rules, and their files."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from tests.network.samples import Q, conv2d, image, layer, network, requantization
from tests.support.binary_networks import BITS, binary_networks, random_binary_network
from tests.support.network_parameters import Limits
from tests.support.networks import random_codes

from bitwright.network import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Concat,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    NetworkError,
    Quantization,
    Requantize,
    Threshold,
)
from bitwright.network.execute import binary_products
from bitwright.network.io import digest

SMALL = Limits(channels=(1, 11), pixels=(3, 7), kernel=4, blocks=(1, 3))


def threshold(channels: int, value: int = 0, direction: int = 1) -> Threshold:
    return Threshold(value=np.full(channels, value), direction=np.full(channels, direction))


def binary_conv(**changes: Any) -> BinaryConv2d:
    """(3, 5, 6) to (4, 5, 6) by 3x3, to bits."""
    values: dict[str, Any] = {
        "name": "conv",
        "inputs": ("x",),
        "shape": (4, 5, 6),
        "output": BITS,
        "weight": np.ones((4, 3, 3, 3), np.int64),
        "bias": np.zeros(4, np.int64),
        "padding": (1, 1, 1, 1),
        "requantization": threshold(4),
    }
    return BinaryConv2d(**values | changes)


def bits(*layers: Layer) -> Network:
    """The layers on a binary image of (3, 5, 6)."""
    return Network((image(output=BITS), *layers))


# The executor


def sign(code: int) -> int:
    return 1 if code else -1


def sum_of(made: Layer, x: NDArray[np.int8], index: tuple[int, ...]) -> int:
    """The accumulator of one output element, one product at a time."""
    if isinstance(made, BinaryLinear):
        pairs = zip(x.tolist(), made.weight[index[0]].tolist(), strict=True)
        return int(made.bias[index[0]]) + sum(sign(a) * sign(w) for a, w in pairs)
    assert isinstance(made, BinaryConv2d)
    o, oy, ox = index
    acc = int(made.bias[o])
    channels, kh, kw = made.weight.shape[1:]
    for c, ky, kx in product(range(channels), range(kh), range(kw)):
        y = oy * made.stride[0] + ky * made.dilation[0] - made.padding[0]
        x_ = ox * made.stride[1] + kx * made.dilation[1] - made.padding[1]
        if 0 <= y < x.shape[1] and 0 <= x_ < x.shape[2]:
            acc += sign(int(x[c, y, x_])) * sign(int(made.weight[o, c, ky, kx]))
    return acc


def differing(net: Network) -> list[str]:
    """Binary layers whose sums or bits are not those of the loops."""
    wrong = []
    _, taps = net.run(random_codes(net, 1), taps=True)
    for made in net:
        inputs = [taps[name] for name in made.inputs]
        if isinstance(made, BinaryConv2d | BinaryLinear):
            sums = net.accumulators(made.name, inputs)[0]
            expected = [sum_of(made, inputs[0][0], i) for i in np.ndindex(*made.shape)]
            if sums.reshape(-1).tolist() != expected:
                wrong.append(made.name)
        result = getattr(made, "requantization", None)
        if isinstance(result, Threshold):
            sums = net.accumulators(made.name, inputs)[0]
            for index in np.ndindex(*made.shape):
                directed = int(result.direction[index[0]]) * int(sums[index])
                if taps[made.name][0][index] != (int(result.value[index[0]]) <= directed):
                    wrong.append(f"{made.name} {index}")
    return wrong


@pytest.mark.parametrize("seed", range(20))
def test_random_binary_network_equals_loops(seed: int) -> None:
    assert differing(random_binary_network(seed, limits=SMALL)) == []


@settings(max_examples=25, deadline=None)
@given(binary_networks(Limits(channels=(1, 9), pixels=(3, 5), kernel=3, blocks=(1, 2))))
def test_any_binary_network_equals_loops_and_survives_its_bytes(net: Network) -> None:
    assert differing(net) == []
    assert Network.from_bytes(net.to_bytes()) == net


@pytest.mark.parametrize("outputs", [1, 511, 512, 600])
@pytest.mark.parametrize("inputs", [1, 63, 64, 65, 200])
def test_packed_words_and_floats_give_one_product(inputs: int, outputs: int) -> None:
    rng = np.random.default_rng(inputs * outputs)
    x, weight = rng.integers(0, 2, (3, inputs)), rng.integers(0, 2, (outputs, inputs))
    expected = (2 * x - 1) @ (2 * weight - 1).T
    assert np.array_equal(binary_products(x, weight), expected)


def test_maximum_of_bits_is_their_or_and_padding_never_wins() -> None:
    pool = layer(
        MaxPool2d, output=BITS, kernel=(2, 2), stride=(2, 2), padding=(1, 0, 0, 0), low=0, high=1
    )
    net = bits(replace(pool, shape=(3, 3, 3)))
    x = random_codes(net, 2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))
    expected = padded.reshape(2, 3, 3, 2, 3, 2).any(axis=(3, 5))
    assert np.array_equal(net.run(x), expected)


def test_operands_of_a_binary_layer_give_its_sum() -> None:
    for seed in range(6):
        net = random_binary_network(seed)
        _, taps = net.run(random_codes(net, 2), taps=True)
        rng = np.random.default_rng(seed)
        for made in net:
            if not isinstance(made, BinaryConv2d | BinaryLinear):
                continue
            inputs = [taps[name] for name in made.inputs]
            acc = net.accumulators(made.name, inputs)
            for _ in range(20):
                index = tuple(int(i) for i in rng.integers(0, acc.shape))
                activations, weights = net.operands(made.name, inputs, index)
                assert activations @ weights + made.bias[index[1]] == acc[index]


# The file


def test_loaded_binary_layers_have_every_field_of_the_saved_ones() -> None:
    for seed in range(8):
        net = random_binary_network(seed)
        for saved, loaded in zip(net, Network.from_bytes(net.to_bytes()), strict=True):
            assert repr(loaded) == repr(saved)


def test_every_threshold_counts_for_the_digest() -> None:
    first, second, third = (
        digest(bits(binary_conv(requantization=r)).layers)
        for r in (threshold(4), threshold(4, 1), threshold(4, 0, -1))
    )
    assert len({first, second, third}) == 3


# The rules

Broken = Callable[[], object]
RULES: dict[str, tuple[Broken, str]] = {
    "binary conv of int8 codes": (
        lambda: network(binary_conv()),
        ("layer 'conv': BinaryConv2d takes a binary input (output bits 1), found 8 bits of 'x'"),
    ),
    "int8 conv of bits": (
        lambda: bits(conv2d()),
        (
            "layer 'conv': a Conv2d takes no binary input; BinaryConv2d, BinaryLinear, MaxPool2d"
            " and Flatten do, found 'x' with output bits 1"
        ),
    ),
    "threshold to int8": (
        lambda: bits(binary_conv(output=Q)),
        "layer 'conv': with a Threshold output bits must be 1, found 8",
    ),
    "requantization to bits": (
        lambda: bits(binary_conv(requantization=requantization(4))),
        "layer 'conv': a binary output (bits 1) must come of a Threshold, found none",
    ),
    "zero point of bits": (
        lambda: bits(binary_conv(output=Quantization(scale=1.0, bits=1, zero_point=1))),
        "layer 'conv': binary output's zero point must be 0, found 1",
    ),
    "weight of -1": (
        lambda: bits(binary_conv(weight=np.full((4, 3, 3, 3), -1))),
        "layer 'conv': weight must lie in 0..1, found -1 at index (0, 0, 0, 0)",
    ),
    "threshold for too few channels": (
        lambda: bits(binary_conv(requantization=threshold(3))),
        "layer 'conv': threshold value must be an integer array of shape (4,), found (3,)",
    ),
    "direction zero": (
        lambda: bits(binary_conv(requantization=threshold(4, direction=0))),
        "layer 'conv': threshold direction must be 1 or -1, found 0 at index (0,)",
    ),
    "value too large": (
        lambda: bits(binary_conv(requantization=threshold(4, value=(1 << 62) + 1))),
        (
            "layer 'conv': threshold value must lie in -4611686018427387904..4611686018427387904,"
            " found 4611686018427387905 at index (0,)"
        ),
    ),
    "bias beside a threshold": (
        lambda: bits(binary_conv(bias=np.array([0, 0, 5, 0]))),
        (
            "layer 'conv': bias must be zero beside a Threshold, whose value it is part of,"
            " found 5 at index (2,)"
        ),
    ),
    "residual beside a threshold": (
        lambda: network(
            conv2d(
                inputs=("x", "x"),
                output=BITS,
                weight=np.ones((3, 3, 3, 3), np.int64),
                bias=np.zeros(3, np.int64),
                shape=(3, 5, 6),
                residual_multiplier=np.ones(3, np.int64),
                requantization=threshold(3),
            )
        ),
        "layer 'conv': a layer with a residual must not have a Threshold, found one",
    ),
    "clamp of bits": (
        lambda: bits(layer(MaxPool2d, output=BITS, low=1, high=1)),
        "layer 'y': clamp of binary codes must be 0..1, found (1, 1)",
    ),
    "kernel too large": (
        lambda: bits(binary_conv(padding=(0, 0, 0, 0), weight=np.ones((4, 3, 6, 3), np.int64))),
        "layer 'conv': a window of 6x3 must fit the padded input, found 5x6",
    ),
}


@pytest.mark.parametrize(("broken", "message"), RULES.values(), ids=RULES.keys())
def test_broken_rule_is_named(broken: Broken, message: str) -> None:
    with pytest.raises(NetworkError) as error:
        broken()
    assert str(error.value) == message


@pytest.mark.parametrize("kind", [AvgPool2d, Requantize, Add, Concat, Linear])
def test_layer_without_a_meaning_for_bits_refuses_them(kind: type[Layer]) -> None:
    flat = [layer(Flatten, output=BITS)] if kind is Linear else []
    made = layer(kind, name="z", **({"inputs": ("y",)} if flat else {}))
    with pytest.raises(NetworkError, match=f"layer 'z': a {kind.__name__} takes no binary input"):
        bits(*flat, made)


def test_int8_layer_takes_a_threshold() -> None:
    made = conv2d(
        output=BITS, requantization=threshold(4, 7, -1), weight=np.ones((4, 3, 3, 3), int)
    )
    assert isinstance(made, Conv2d)
    net = network(made)
    x = random_codes(net, 2)
    acc = net.accumulators("conv", [x])
    assert np.array_equal(net.run(x), -acc >= 7)
