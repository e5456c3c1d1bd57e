"""Binary and mixed networks on the RTL: every bit of every layer, every instruction's cycles."""

from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.test_whole_networks import assert_exact, examples, fitting
from tests.support.binary_networks import BITS, binary_networks, cnv, stacked_network
from tests.support.network_parameters import Limits
from tests.support.networks import random_codes
from torch import nn

from bitwright.compiler import CompileError, Program, compile
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_layers import SHORTCUT_STEP, BiReal, LowBitConv2d, Signs
from bitwright.compress.methods.binary_lower import lower_binary
from bitwright.isa import Architecture
from bitwright.isa.architecture import ROUNDINGS
from bitwright.network import Network
from bitwright.sim import verify
from bitwright.sim.divergence import find_divergence

ARCHITECTURE = Architecture(name="8x8 xnor", xnor=True, roundings=ROUNDINGS)
NARROW = replace(ARCHITECTURE, name="narrow", weight_words=256, parameter_records=64)
LARGE = Architecture(name="16x16 xnor", rows=16, columns=16, xnor=True, roundings=ROUNDINGS)
DEPTHWISE = replace(ARCHITECTURE, name="8x8 xnor lines", line_words=16)
NETWORKS = binary_networks(Limits(blocks=(1, 5)))
WIDE = binary_networks(Limits(blocks=(1, 3), channels=(60, 150), pixels=(3, 6), kernel=3))
"""Pixels of more than a word."""


@given(st.one_of(NETWORKS, WIDE))
@examples(25)
def test_network_is_exact_in_bits_and_cycles(network: Network) -> None:
    assert_exact(fitting(network, ARCHITECTURE))


@given(NETWORKS)
@examples(8)
def test_streamed_network_is_exact_and_its_stalls_predicted(network: Network) -> None:
    assert_exact(fitting(network, NARROW, streamed=True))


@given(st.one_of(NETWORKS, WIDE), st.sampled_from([2, 3, 5]))
@examples(10)
def test_batches_are_exact_in_bits_and_cycles(network: Network, batch: int) -> None:
    assert_exact(fitting(network, ARCHITECTURE, batch=batch))


@given(NETWORKS)
@examples(6)
def test_network_is_exact_on_16x16(network: Network) -> None:
    assert_exact(fitting(network, LARGE))


@given(NETWORKS)
@examples(6)
def test_network_is_exact_beside_the_depthwise_engine(network: Network) -> None:
    assert_exact(fitting(network, DEPTHWISE))


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", [ARCHITECTURE, NARROW, LARGE, DEPTHWISE], ids=lambda machine: machine.name
)
@given(st.one_of(NETWORKS, WIDE), st.sampled_from([1, 1, 2, 5, 16]))
@examples(100)
def test_hundred_networks_are_exact_on(
    architecture: Architecture, network: Network, batch: int
) -> None:
    assert_exact(fitting(network, architecture, batch=batch))


DIGITS = stacked_network(
    (1, 8, 8),
    [
        {"channels": 16, "kernel": (3, 3), "padding": (1, 1, 1, 1)},
        {"channels": 24, "kernel": (3, 3), "padding": (1, 1, 1, 1)},
        "pool",
        {"channels": 20, "kernel": (3, 3), "padding": (1, 1, 1, 1)},
        "flat",
        40,
        10,
    ],
)
"""An int8 layer, two binary ones with padding, a pixel of 20 bits in three bytes, flattened."""
MLP = stacked_network((784,), [64, 64, 64, 10], bits=True)
SHAPES = {"digits": DIGITS, "mlp": MLP, "cnv": cnv()}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("network", SHAPES.values(), ids=SHAPES)
def test_shape_of_the_field_is_exact(network: Network, batch: int) -> None:
    assert_exact(compile(network, ARCHITECTURE, batch))


def test_shortcut_past_signs_is_exact() -> None:
    """Int8 codes beside a binary convolution: their signs, its codes, and the sum."""
    torch.manual_seed(1)
    twin = nn.Sequential(
        OrderedDict(
            image=FakeQuantize("uint8", scale=1 / 255, zero_point=0),
            first=LowBitConv2d(1, 16, 3, padding=1, fmt="int8"),
            norm=nn.BatchNorm2d(16),
            codes=FakeQuantize("int8", scale=SHORTCUT_STEP),
            block=BiReal(16),
            other=BiReal(16, 5),
            bits=Signs(),
            last=LowBitConv2d(16, 8, 3),
            out=FakeQuantize("int8", scale=0.5),
        )
    )
    for _ in range(20):
        twin(torch.rand(16, 1, 8, 8))  # the batch normalisations' statistics
    network = lower_binary(twin, (1, 8, 8))
    assert [type(layer).__name__ for layer in network].count("Add") == 2
    for machine in (ARCHITECTURE, DEPTHWISE):
        assert_exact(compile(network, machine))


@pytest.fixture(scope="module")
def digits() -> Program:
    return compile(DIGITS, ARCHITECTURE)


def test_saved_program_is_loaded_equal(digits: Program) -> None:
    again = Program.from_bytes(digits.to_bytes())
    assert again.layers == digits.layers
    assert again.execute == digits.execute
    assert again.network == digits.network


@pytest.mark.parametrize("name", ["conv", "binaryconv", "maxpool", "binarylinear"])
def test_wrong_bit_is_placed(digits: Program, name: str) -> None:
    """Each bit of a layer, wrong alone: its index, and the part that made it."""
    layer = next(made for made in digits.network if made.name.startswith(name))
    _, expected = digits.network.run(random_codes(digits.network, 1, 1), taps=True)
    rng = np.random.default_rng(1)
    for _ in range(20):
        index = tuple(int(i) for i in rng.integers(0, layer.shape))
        got = {other: codes.copy() for other, codes in expected.items()}
        got[layer.name][(0, *index)] ^= 1
        found = find_divergence(digits, expected, got)
        assert found is not None
        assert (found.layer, found.index, found.differing) == (layer.name, index, 1)
        pixel = index[1] * layer.shape[2] + index[2] if len(index) == 3 else 0
        place = found.place
        if name == "maxpool":
            assert place.engine == "vector lanes"
            assert (place.column, place.pixel_tile) == (index[0] // 8, pixel)
            continue
        assert place.engine == ("array" if name == "conv" else "XNOR engine")
        assert place.channel_tile * 8 + place.column == index[0]
        assert place.pixel_tile * 8 + place.row == pixel
        if found.accumulator is not None and name != "conv":
            assert sum(a * w for a, w in zip(found.activations, found.weights, strict=True)) == (
                found.accumulator
            )


def test_bits_after_the_last_channel_are_needed_to_be_masked(digits: Program) -> None:
    """The injected fault drops the mask."""
    found = verify(digits, random_codes(digits.network, 2, 1), inject="mask", models=1)
    assert found.divergence is not None
    assert found.divergence.kind == "BinaryConv2d"
    assert "XNOR engine" in found.divergence.describe()


def test_binary_layer_needs_the_engine() -> None:
    with pytest.raises(
        CompileError,
        match=r"layer 'binarylinear_1': is a BinaryLinear, but '8x8' has no XNOR engine; set"
        r" xnor = true",
    ):
        compile(MLP, Architecture())


def test_threshold_needs_the_engine() -> None:
    net = stacked_network((9,), [5, 4])
    first = Network(net.layers[:2])
    with pytest.raises(
        CompileError, match=r"layer 'linear_1': has a binary output, .* xnor = true"
    ):
        compile(first, Architecture())


def test_sums_that_accumulators_cannot_hold_are_refused() -> None:
    narrow = replace(
        ARCHITECTURE, accumulator_bits=16, activation_words=16384, weight_words=1 << 16
    )
    net = stacked_network((32768,), [1], bits=True)
    with pytest.raises(
        CompileError, match=r"sums 32768 products, but accumulator_bits is 16, which holds 32767"
    ):
        compile(net, narrow)


def test_input_bits_are_eight_to_a_byte() -> None:
    program = compile(MLP, ARCHITECTURE)
    x = random_codes(MLP, 2)
    packed = program.pack_images(x)
    assert packed.shape == (2, 784 // 64 + 1, 8)
    sent = packed.reshape(2, -1)[:, : 784 // 8]
    assert np.array_equal(sent, np.packbits(x.astype(np.uint8), axis=1, bitorder="little"))
    assert MLP.input.output == BITS
