import numpy as np
import pytest
from tests.network.samples import conv2d, image, layer, network
from tests.support.networks import random_codes, random_network

from bitwright.network import (
    AvgPool2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Requantize,
)


def test_layers_are_found_by_name_and_in_order() -> None:
    net = network(layer(MaxPool2d), layer(Flatten, name="f", inputs=("y",), shape=(48,)))
    assert [made.name for made in net] == ["x", "y", "f"]
    assert (net["y"], len(net), net.input, net.output) == (net.layers[1], 3, *net.layers[::2])
    assert "y" in net
    assert "z" not in net
    assert [made.name for made in net.users("x")] == ["y"]


def test_unknown_layer_is_named_beside_those_there_are() -> None:
    with pytest.raises(KeyError, match="no layer 'z'; there are x, y"):
        network(layer(Flatten))["z"]


def test_macs_count_weights_times_pixels() -> None:
    net = network(
        conv2d(),
        layer(AvgPool2d, inputs=("conv",), shape=(4, 4, 4)),
        layer(Flatten, name="f", inputs=("y",), shape=(64,)),
        layer(Linear, name="l", inputs=("f",), weight=np.ones((2, 64), np.int64)),
    )
    assert net.macs() == {"x": 0, "conv": 4 * 27 * 30, "y": 0, "f": 0, "l": 128}


def test_taps_hold_every_layer_and_run_layer_recomputes_each() -> None:
    net = random_network(3)
    x = random_codes(net, 5)
    y, taps = net.run(x, taps=True)
    assert list(taps) == [made.name for made in net]
    assert np.array_equal(taps[net.input.name], x)
    assert np.array_equal(y, taps[net.output.name])
    for made in net.layers[1:]:
        again = net.run_layer(made.name, [taps[name] for name in made.inputs])
        assert np.array_equal(again, taps[made.name])
        assert again.dtype == np.int8
        assert again.shape == (5, *made.shape)


def test_taps_leave_the_output_unchanged() -> None:
    net = random_network(4)
    x = random_codes(net, 3)
    assert np.array_equal(net.run(x), net.run(x, taps=True)[0])


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_batches_are_cut_into_chunks_without_a_trace(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = random_network(5)
    x = random_codes(net, count)
    whole = net.run(x)
    monkeypatch.setitem(net.__dict__, "_images_per_chunk", 2)
    assert np.array_equal(net.run(x), whole)
    assert whole.shape == (count, *net.output.shape)


def test_taps_do_not_alias_the_input() -> None:
    net = network(layer(Flatten))
    x = random_codes(net, 1)
    y, taps = net.run(x, taps=True)
    before = y.copy()
    x[:] = 0
    assert np.array_equal(y, before)
    assert np.array_equal(taps["x"].reshape(1, -1), before)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 3, 5, 6)), "input must be integer codes, found float64"),
        (np.zeros((3, 5, 6), int), r"input must have the shape \(N, 3, 5, 6\), found \(3, 5, 6\)"),
        (np.int64(3), r"input must have the shape \(N, 3, 5, 6\), found \(\)"),
        (
            np.eye(6, dtype=int)[None, None, :5].repeat(3, axis=1) * 128,
            r"input codes must lie in -128..127, found 128 at index \(0, 0, 0, 0\)",
        ),
    ],
)
def test_run_refuses_what_is_not_an_input(x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(layer(Flatten)).run(x)


@pytest.mark.parametrize("code", [-9, 8])
def test_run_refuses_codes_of_more_bits_than_the_input_has(code: int) -> None:
    q = Quantization(scale=0.05, bits=4)
    net = Network((image((1,), output=q), layer(Requantize, shape=(1,))))
    with pytest.raises(
        ValueError, match=rf"input codes must lie in -8\.\.7, found {code} at index"
    ):
        net.run(np.array([[0], [code]], np.int8))


def test_network_keeps_its_own_read_only_arrays() -> None:
    bias = np.zeros(4, np.int32)
    net = network(conv2d(bias=bias))
    bias[0] = 7
    made = net["conv"]
    assert isinstance(made, Conv2d)
    assert made.bias[0] == 0
    assert made.bias.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        made.requantization.multiplier[0] = 3


def test_equal_networks_are_equal_whatever_their_arrays_types() -> None:
    narrow = network(conv2d(weight=np.ones((4, 3, 3, 3), np.int8)))
    assert narrow == network(conv2d())
    assert hash(narrow) == hash(network(conv2d()))


@pytest.mark.parametrize(
    "changed",
    [
        network(conv2d(name="other")),
        network(conv2d(weight_bits=7)),
        network(conv2d(bias=np.array([0, 0, 0, 1]))),
        Network((image(name="x2"), conv2d(inputs=("x2",)))),
    ],
    ids=["name", "weight_bits", "bias", "input"],
)
def test_any_change_changes_the_digest(changed: Network) -> None:
    assert changed != network(conv2d())
    assert changed.digest != network(conv2d()).digest
