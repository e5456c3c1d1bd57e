from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from tests.network.samples import conv2d, image, layer, network, requantization
from tests.network.scalar import element
from tests.support.networks import Limits, networks, random_codes, random_network

from bitwright.arith import Rounding
from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Requantize,
)

SUM_ROUNDINGS = [rounding for rounding in Rounding if rounding is not Rounding.TFLITE]


def by_scalars(net: Network, made: Layer, taps: dict[str, NDArray[np.int8]]) -> NDArray[np.int8]:
    """The codes of one layer, recomputed element by element from its inputs' codes."""
    inputs = [taps[name] for name in made.inputs]
    codes = np.empty((len(inputs[0]), *made.shape), np.int8)
    for n in range(len(codes)):
        images = [codes_of_input[n] for codes_of_input in inputs]
        for index in product(*map(range, made.shape)):
            codes[(n, *index)] = element(made, images, net.formats(made), index)
    return codes


def differing(net: Network, count: int = 2, seed: int = 0) -> Iterator[str]:
    """Names of the layers whose codes differ from the scalar version's."""
    _, taps = net.run(random_codes(net, count, seed), taps=True)
    for made in net.layers[1:]:
        if not np.array_equal(taps[made.name], by_scalars(net, made, taps)):
            yield made.name


def affine(seed: int, channels: int, inputs: tuple[int, ...], shift: int = 10) -> dict[str, Any]:
    """Random weights, biases and multipliers that give sums of codes' size."""
    rng = np.random.default_rng(seed)
    return {
        "weight": rng.integers(-128, 128, (channels, *inputs)),
        "bias": rng.integers(-3000, 3000, channels),
        "requantization": requantization(
            channels,
            multiplier=rng.integers(1, 16, channels),
            shift=np.full(channels, shift, np.int64),
        ),
    }


CASES: dict[str, tuple[Layer, ...]] = {
    "conv": (conv2d(**affine(1, 4, (3, 3, 3))),),
    "conv with an asymmetric kernel, stride and padding": (
        conv2d(
            **affine(2, 5, (3, 2, 3)),
            shape=(5, 4, 2),
            stride=(2, 3),
            padding=(2, 0, 1, 1),
        ),
    ),
    "conv dilated": (
        conv2d(**affine(3, 4, (3, 3, 2)), shape=(4, 1, 6), dilation=(2, 1), padding=(0, 1, 0, 0)),
    ),
    "conv grouped": (conv2d(**affine(4, 6, (1, 3, 3), 8), shape=(6, 5, 6), groups=3),),
    "conv with a residual": (
        conv2d(
            **affine(5, 3, (3, 1, 1)),
            shape=(3, 5, 6),
            padding=(0, 0, 0, 0),
            inputs=("x", "x"),
            residual_multiplier=np.array([300, 700, 0]),
        ),
    ),
    "linear": (layer(Flatten), layer(Linear, name="l", inputs=("y",), **affine(6, 2, (90,), 12))),
    "max pool": (layer(MaxPool2d),),
    "max pool padded and clamped": (
        layer(
            MaxPool2d,
            kernel=(3, 3),
            stride=(2, 2),
            dilation=(2, 1),
            padding=(2, 1, 0, 2),
            shape=(3, 2, 4),
            low=-20,
            high=90,
        ),
    ),
    "average pool": (layer(AvgPool2d),),
    "average pool padded": (
        layer(AvgPool2d, padding=(1, 0, 0, 2), shape=(3, 5, 6), stride=(1, 1)),
    ),
    "global average pool": (layer(AvgPool2d, kernel=(5, 6), shape=(3, 1, 1)),),
    "add": (
        layer(Requantize),
        layer(Add, name="a", inputs=("x", "y"), multiplier_b=3),
    ),
    "requantize": (layer(Requantize),),
    "concat": (layer(Requantize), layer(Concat, name="c", inputs=("y", "x", "y"), shape=(9, 5, 6))),
    "flatten": (layer(Flatten),),
}


@pytest.mark.parametrize("zero_point", [-128, -7, 0, 127])
@pytest.mark.parametrize("layers", CASES.values(), ids=CASES.keys())
def test_layer_equals_its_scalar_version(layers: tuple[Layer, ...], zero_point: int) -> None:
    q = Quantization(scale=0.05, zero_point=zero_point)
    given_q = [replace(made, output=q) for made in layers]
    assert list(differing(Network((image(output=q), *given_q)))) == []


@pytest.mark.parametrize("rounding", SUM_ROUNDINGS)
@pytest.mark.parametrize("kind", [Requantize, AvgPool2d, Add])
def test_layer_rounds_as_named(kind: type[Layer], rounding: Rounding) -> None:
    """Shift 1 and multiplier 1: every odd sum is a tie."""
    assert (
        list(differing(network(layer(kind, requantization=requantization(rounding=rounding)))))
        == []
    )


@pytest.mark.parametrize("seed", range(12))
def test_random_network_equals_its_scalar_version(seed: int) -> None:
    small = Limits(channels=(1, 6), pixels=(4, 8), kernel=4)
    assert list(differing(random_network(seed, limits=small), count=1)) == []


@settings(max_examples=15, deadline=None)
@given(networks(Limits(channels=(1, 4), pixels=(4, 6), kernel=3, blocks=(1, 3))))
def test_any_network_equals_its_scalar_version(net: Network) -> None:
    assert list(differing(net, count=1)) == []


@pytest.mark.parametrize("zero_point", [-128, -7, 0, 127])
def test_convolution_padding_reads_the_zero_point(zero_point: int) -> None:
    """An input of nothing but the zero point gives the bias everywhere, also at the border."""
    q = Quantization(scale=0.05, zero_point=zero_point)
    bias = np.array([2, -6, 100, 0])
    net = Network((image(output=q), conv2d(**(affine(7, 4, (3, 3, 3)) | {"bias": bias}))))
    x = np.full((1, 3, 5, 6), zero_point)
    acc = net.accumulators("conv", [x.astype(np.int8)])
    assert np.array_equal(acc, np.broadcast_to(bias[:, None, None], (1, 4, 5, 6)))


def test_average_pool_padding_counts_as_zero() -> None:
    q = Quantization(scale=0.05, zero_point=-100)
    pool = layer(
        AvgPool2d,
        kernel=(2, 2),
        padding=(1, 1, 0, 0),
        shape=(3, 5, 6),
        output=Quantization(scale=0.05),
    )
    net = Network((image(output=q), pool))
    acc = net.accumulators("y", [np.full((1, 3, 5, 6), -90, np.int8)])
    assert acc[0, 0, 0, 0] == 10
    assert acc[0, 0, 0, 1] == 20
    assert acc[0, 0, 1, 1] == 40


def test_max_pool_padding_never_wins_over_the_least_code() -> None:
    q = Quantization(scale=0.05, bits=4)
    pool = layer(MaxPool2d, padding=(1, 0, 0, 0), shape=(3, 5, 4), output=q, low=-8, high=7)
    net = Network((image(output=q), pool))
    assert np.all(net.run(np.full((1, 3, 5, 6), -8)) == -8)


def test_fused_clamp_bounds_the_codes() -> None:
    net = network(conv2d(requantization=requantization(4, low=-3, high=9)))
    y = net.run(random_codes(net, 2))
    assert (y.min(), y.max()) == (-3, 9)


def test_residual_is_rounded_once_with_the_sum() -> None:
    """1/2 + 1/2 is 1; rounded apart, half up, they would give 2."""
    made = conv2d(
        weight=np.ones((1, 1, 1, 1), np.int64),
        bias=np.zeros(1, np.int64),
        shape=(1, 1, 1),
        inputs=("x", "x"),
        padding=(0, 0, 0, 0),
        requantization=requantization(1),
        residual_multiplier=np.ones(1, np.int64),
    )
    net = Network((image((1, 1, 1)), made))
    assert net.run(np.ones((1, 1, 1, 1), np.int8)).item() == 1


def test_accumulators_of_add_are_the_sum_before_the_shift() -> None:
    net = network(
        layer(Add, multiplier_b=5, requantization=requantization(multiplier=np.array([3])))
    )
    a, b = random_codes(net, 1, seed=0), random_codes(net, 1, seed=1)
    expected = a.astype(np.int64) * 3 + b.astype(np.int64) * 5
    assert np.array_equal(net.accumulators("y", [a, b]), expected)


@pytest.mark.parametrize("kind", [MaxPool2d, Concat, Flatten])
def test_layer_without_accumulator_says_so(kind: type[Layer]) -> None:
    net = network(layer(kind))
    with pytest.raises(ValueError, match=f"layer 'y': a {kind.__name__} has no accumulator"):
        net.accumulators("y", [random_codes(net, 1)])


def test_input_computes_nothing() -> None:
    net = network(layer(Flatten))
    with pytest.raises(ValueError, match="layer 'x': a Input computes nothing"):
        net.run_layer("x", [])
