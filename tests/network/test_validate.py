"""Each rule of a network, broken once: the text names the layer, the rule and the value."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.network.samples import Q, conv2d, image, layer, network, requantization

from bitwright.arith import Rounding
from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    NetworkError,
    Requantize,
)

Broken = Callable[[], object]


def scaled(**changes: Any) -> Layer:
    """A Requantize whose requantization has these changes."""
    return layer(Requantize, requantization=requantization(**changes))


def flat_linear(**changes: Any) -> Network:
    return network(layer(Flatten), layer(Linear, name="l", inputs=("y",), **changes))


GRAPH: dict[str, tuple[Broken, str]] = {
    "no tuple": (
        lambda: Network([image(), conv2d()]),  # type: ignore[arg-type]
        "a network's layers must be a tuple of Layer",
    ),
    "nothing": (
        lambda: Network(()),
        "a network must have an Input as its first layer and one more layer",
    ),
    "input alone": (
        lambda: Network((image(),)),
        "a network must have an Input as its first layer and one more layer",
    ),
    "no input first": (
        lambda: Network((conv2d(), image())),
        "a network must have an Input as its first layer and one more layer",
    ),
    "second input": (
        lambda: network(image(name="x2")),
        "layer 'x2': a network must have one Input only, found a second",
    ),
    "empty name": (
        lambda: network(conv2d(name="")),
        "layer '': name must be a non-empty string, found ''",
    ),
    "name no string": (
        lambda: network(conv2d(name=3)),
        "layer '3': name must be a non-empty string, found 3",
    ),
    "name twice": (
        lambda: network(layer(Requantize), layer(Requantize)),
        "layer 'y': name must be unique, found it twice",
    ),
    "unknown input": (
        lambda: network(conv2d(inputs=("z",))),
        "layer 'conv': inputs must be layers of this network (x, conv), found 'z'",
    ),
    "later input": (
        lambda: network(layer(Requantize, inputs=("z",)), layer(Requantize, name="z")),
        "layer 'y': inputs must precede the layer, found 'z'",
    ),
    "own input": (
        lambda: network(layer(Requantize, inputs=("y",))),
        "layer 'y': inputs must precede the layer, found 'y'",
    ),
    "inputs no tuple": (
        lambda: network(layer(Requantize, inputs=["x"])),
        "layer 'y': inputs must be a tuple of names, found ['x']",
    ),
    "input with inputs": (
        lambda: Network((image(inputs=("x",)), conv2d())),
        "layer 'x': Input must have 0 inputs, found 1",
    ),
    "conv with three inputs": (
        lambda: network(conv2d(inputs=("x", "x", "x"))),
        "layer 'conv': Conv2d must have 1 or 2 inputs, found 3",
    ),
    "add with one input": (
        lambda: network(layer(Add, inputs=("x",))),
        "layer 'y': Add must have 2 inputs, found 1",
    ),
    "concat with one input": (
        lambda: network(layer(Concat, inputs=("x",))),
        "layer 'y': Concat must have 2 or more inputs, found 1",
    ),
    "flatten with none": (
        lambda: network(layer(Flatten, inputs=())),
        "layer 'y': Flatten must have 1 inputs, found 0",
    ),
    "dead end": (
        lambda: network(layer(Requantize), conv2d()),
        "layer 'y': each layer but the last must feed another, found no use of it",
    ),
}

OUTPUT: dict[str, tuple[Broken, str]] = {
    "shape of two": (
        lambda: Network((image((3, 5)), conv2d())),
        "layer 'x': shape must be (C,) or (C, H, W) of positive ints, found (3, 5)",
    ),
    "empty shape": (
        lambda: Network((image((3, 0, 6)), conv2d())),
        "layer 'x': shape must be (C,) or (C, H, W) of positive ints, found (3, 0, 6)",
    ),
    "output no Quantization": (
        lambda: network(conv2d(output=None)),
        "layer 'conv': output must be a Quantization, found None",
    ),
    "one bit": (
        lambda: network(conv2d(output=replace(Q, bits=1))),
        "layer 'conv': a binary output (bits 1) must come of a Threshold, found none",
    ),
    "nine bits": (
        lambda: network(conv2d(output=replace(Q, bits=9))),
        "layer 'conv': output bits must lie in 1..8, found 9",
    ),
    "zero scale": (
        lambda: network(conv2d(output=replace(Q, scale=0.0))),
        "layer 'conv': output scale must be positive and finite, found 0.0",
    ),
    "nan scale": (
        lambda: network(conv2d(output=replace(Q, scale=float("nan")))),
        "layer 'conv': output scale must be positive and finite, found nan",
    ),
    "infinite scale": (
        lambda: network(conv2d(output=replace(Q, scale=float("inf")))),
        "layer 'conv': output scale must be positive and finite, found inf",
    ),
    "zero point": (
        lambda: network(conv2d(output=replace(Q, bits=4, zero_point=8))),
        "layer 'conv': output zero point must lie in -8..7, found 8",
    ),
    "wrong shape": (
        lambda: network(conv2d(shape=(4, 5, 5))),
        (
            "layer 'conv': shape must be (4, 5, 6), which its inputs and parameters give, "
            "found (4, 5, 5)"
        ),
    ),
}

SHAPES: dict[str, tuple[Broken, str]] = {
    "conv on a vector": (
        lambda: network(layer(Flatten), conv2d(inputs=("y",))),
        "layer 'conv': input must have a shape (C, H, W), found (90,)",
    ),
    "linear on an image": (
        lambda: network(layer(Linear)),
        "layer 'y': input must have a shape (C,), found (3, 5, 6)",
    ),
    "linear of another size": (
        lambda: flat_linear(weight=np.ones((2, 91), int)),
        "layer 'l': input must be (91,), found (90,)",
    ),
    "channels": (
        lambda: network(conv2d(weight=np.ones((4, 2, 3, 3), int))),
        "layer 'conv': input must have 2 channels (weight (4, 2, 3, 3), groups 1), found (3, 5, 6)",
    ),
    "channels of groups": (
        lambda: network(conv2d(groups=2)),
        "layer 'conv': input must have 6 channels (weight (4, 3, 3, 3), groups 2), found (3, 5, 6)",
    ),
    "window too large": (
        lambda: network(conv2d(padding=(0, 0, 0, 0), dilation=(1, 3))),
        "layer 'conv': a window of 3x7 must fit the padded input, found 5x6",
    ),
    "flatten on a vector": (
        lambda: network(layer(Flatten), layer(Flatten, name="f", inputs=("y",))),
        "layer 'f': input must have a shape (C, H, W), found (90,)",
    ),
    "residual": (
        lambda: network(conv2d(inputs=("x", "x"), residual_multiplier=np.ones(4, int))),
        "layer 'conv': residual must have the shape (4, 5, 6), found (3, 5, 6)",
    ),
    "add": (
        lambda: network(conv2d(), layer(Add, inputs=("x", "conv"))),
        "layer 'y': both inputs must have one shape, (3, 5, 6), found (4, 5, 6)",
    ),
    "concat": (
        lambda: network(layer(MaxPool2d), layer(Concat, name="c", inputs=("x", "y"))),
        "layer 'c': inputs must equal (3, 5, 6) but for the channels, found (3, 4, 4)",
    ),
    "max of padding alone": (
        lambda: network(layer(MaxPool2d, padding=(0, 0, 2, 0), shape=(3, 6, 4))),
        "layer 'y': each window must reach the input, not padding alone, found row 5 of the output",
    ),
    "max of padding alone, in a dilated window": (
        lambda: network(
            layer(MaxPool2d, name="p", kernel=(5, 1), shape=(3, 1, 6)),
            layer(
                MaxPool2d,
                inputs=("p",),
                kernel=(2, 1),
                dilation=(2, 1),
                padding=(1, 0, 1, 0),
                shape=(3, 1, 6),
            ),
        ),
        "layer 'y': each window must reach the input, not padding alone, found row 0 of the output",
    ),
    "max of padding alone, to the left": (
        lambda: network(layer(MaxPool2d, padding=(0, 3, 0, 0), shape=(3, 4, 7))),
        (
            "layer 'y': each window must reach the input, not padding alone, "
            "found column 0 of the output"
        ),
    ),
}

PARAMETERS: dict[str, tuple[Broken, str]] = {
    "weight no array": (
        lambda: network(conv2d(weight=[1])),
        "layer 'conv': weight must be an integer array of shape (n, n, n, n), found a list",
    ),
    "weight of floats": (
        lambda: network(conv2d(weight=np.ones((4, 3, 3, 3)))),
        "layer 'conv': weight must be an integer array of shape (n, n, n, n), found float64",
    ),
    "weight rank": (
        lambda: flat_linear(weight=np.ones(3, int)),
        "layer 'l': weight must be an integer array of shape (n, n), found (3,)",
    ),
    "weight empty": (
        lambda: network(conv2d(weight=np.ones((4, 0, 3, 3), int))),
        "layer 'conv': weight must be an integer array of shape (n, n, n, n), found (4, 0, 3, 3)",
    ),
    "weight range": (
        lambda: network(conv2d(weight=np.full((4, 3, 3, 3), 128))),
        "layer 'conv': weight must lie in -128..127, found 128 at index (0, 0, 0, 0)",
    ),
    "weight range of its bits": (
        lambda: flat_linear(weight=np.eye(2, 90, 1, int) * -9, weight_bits=4),
        "layer 'l': weight must lie in -8..7, found -9 at index (0, 1)",
    ),
    "weight bits": (
        lambda: network(conv2d(weight_bits=9)),
        "layer 'conv': weight_bits must lie in 2..8, found 9",
    ),
    "bias shape": (
        lambda: network(conv2d(bias=np.zeros(3, int))),
        "layer 'conv': bias must be an integer array of shape (4,), found (3,)",
    ),
    "bias range": (
        lambda: network(conv2d(bias=np.array([0, 1 << 31, 0, 0]))),
        "layer 'conv': bias must lie in -2147483648..2147483647, found 2147483648 at index (1,)",
    ),
    "stride": (
        lambda: network(conv2d(stride=(0, 1))),
        "layer 'conv': stride must be a tuple of 2 ints, each 1 or more, found (0, 1)",
    ),
    "stride of numpy ints": (
        lambda: network(layer(MaxPool2d, stride=(np.int64(1), 1))),
        "layer 'y': stride must be a tuple of 2 ints, each 1 or more, found (np.int64(1), 1)",
    ),
    "padding": (
        lambda: network(conv2d(padding=(1, 1))),
        "layer 'conv': padding must be a tuple of 4 ints, each 0 or more, found (1, 1)",
    ),
    "negative padding": (
        lambda: network(layer(AvgPool2d, padding=(0, 0, 0, -1))),
        "layer 'y': padding must be a tuple of 4 ints, each 0 or more, found (0, 0, 0, -1)",
    ),
    "dilation": (
        lambda: network(conv2d(dilation=2)),
        "layer 'conv': dilation must be a tuple of 2 ints, each 1 or more, found 2",
    ),
    "dilation of a pool": (
        lambda: network(layer(MaxPool2d, dilation=(1, 0))),
        "layer 'y': dilation must be a tuple of 2 ints, each 1 or more, found (1, 0)",
    ),
    "kernel": (
        lambda: network(layer(MaxPool2d, kernel=(2, True))),
        "layer 'y': kernel must be a tuple of 2 ints, each 1 or more, found (2, True)",
    ),
    "groups": (
        lambda: network(conv2d(groups=3)),
        "layer 'conv': groups must divide the 4 output channels, found 3",
    ),
    "no groups": (
        lambda: network(conv2d(groups=0)),
        "layer 'conv': groups must divide the 4 output channels, found 0",
    ),
    "residual multiplier without a residual": (
        lambda: network(conv2d(residual_multiplier=np.ones(4, int))),
        (
            "layer 'conv': residual_multiplier must be there exactly when there are two inputs, "
            "found one beside 1 inputs"
        ),
    ),
    "residual without a multiplier": (
        lambda: network(conv2d(inputs=("x", "x"))),
        (
            "layer 'conv': residual_multiplier must be there exactly when there are two inputs, "
            "found none beside 2 inputs"
        ),
    ),
    "residual multiplier shape": (
        lambda: network(conv2d(inputs=("x", "x"), residual_multiplier=np.ones(1, int))),
        "layer 'conv': residual_multiplier must be an integer array of shape (4,), found (1,)",
    ),
    "residual multiplier range": (
        lambda: network(conv2d(inputs=("x", "x"), residual_multiplier=np.full(4, 1 << 31))),
        (
            "layer 'conv': residual_multiplier must lie in 0..2147483647, "
            "found 2147483648 at index (0,)"
        ),
    ),
    "multiplier_b": (
        lambda: network(layer(Add, multiplier_b=-1)),
        "layer 'y': multiplier_b must be an int in 0..2147483647, found -1",
    ),
    "accumulator of conv": (
        lambda: network(conv2d(bias=np.full(4, (1 << 31) - 27 * 128))),
        "layer 'conv': accumulator must fit 32 bits, found a bound of 33 bits",
    ),
    "accumulator of linear": (
        lambda: flat_linear(bias=np.full(2, -(1 << 31))),
        "layer 'l': accumulator must fit 32 bits, found a bound of 33 bits",
    ),
    "max pool changes the quantization": (
        lambda: network(layer(MaxPool2d, output=replace(Q, zero_point=1))),
        (
            "layer 'y': input 'x' must have the output's quantization, "
            "Quantization(scale=0.05, zero_point=1, bits=8), "
            "found Quantization(scale=0.05, zero_point=0, bits=8)"
        ),
    ),
    "flatten changes the quantization": (
        lambda: network(layer(Flatten, output=replace(Q, scale=0.06))),
        (
            "layer 'y': input 'x' must have the output's quantization, "
            "Quantization(scale=0.06, zero_point=0, bits=8), "
            "found Quantization(scale=0.05, zero_point=0, bits=8)"
        ),
    ),
    "concat of two quantizations": (
        lambda: network(
            layer(
                Requantize, output=replace(Q, bits=7), requantization=requantization(low=0, high=9)
            ),
            layer(Concat, name="c", inputs=("x", "y")),
        ),
        (
            "layer 'c': input 'y' must have the output's quantization, "
            "Quantization(scale=0.05, zero_point=0, bits=8), "
            "found Quantization(scale=0.05, zero_point=0, bits=7)"
        ),
    ),
    "max pool clamp": (
        lambda: network(layer(MaxPool2d, low=3, high=2)),
        "layer 'y': clamp must be low <= high within -128..127, found 3..2",
    ),
}

REQUANTIZATION: dict[str, tuple[Broken, str]] = {
    "none": (
        lambda: network(layer(Requantize, requantization=None)),
        "layer 'y': requantization must be a Requantization, found None",
    ),
    "multiplier shape": (
        lambda: network(conv2d(requantization=requantization(1))),
        "layer 'conv': multiplier must be an integer array of shape (4,), found (1,)",
    ),
    "multiplier range": (
        lambda: network(scaled(multiplier=np.array([-1]))),
        "layer 'y': multiplier must lie in 0..2147483647, found -1 at index (0,)",
    ),
    "shift shape": (
        lambda: network(scaled(shift=np.zeros((1, 1), int))),
        "layer 'y': shift must be an integer array of shape (1,), found (1, 1)",
    ),
    "shift range": (
        lambda: network(scaled(shift=np.array([63]))),
        "layer 'y': shift must lie in 0..62, found 63 at index (0,)",
    ),
    "clamp below the codes": (
        lambda: network(scaled(low=-129)),
        "layer 'y': clamp must be low <= high within -128..127, found -129..127",
    ),
    "clamp above fewer bits": (
        lambda: network(layer(Requantize, output=replace(Q, bits=4))),
        "layer 'y': clamp must be low <= high within -8..7, found -128..127",
    ),
    "clamp of a float": (
        lambda: network(scaled(high=6.0)),
        "layer 'y': clamp must be low <= high within -128..127, found -128..6.0",
    ),
    "rounding": (
        lambda: network(scaled(rounding="nearest")),
        (
            "layer 'y': rounding must be one of half_up, half_even, half_away, floor, trunc, "
            "tflite, found 'nearest'"
        ),
    ),
    "tflite on a sum": (
        lambda: network(layer(Add, requantization=requantization(rounding=Rounding.TFLITE))),
        (
            "layer 'y': rounding must be one of half_up, half_even, half_away, floor, trunc, "
            "found 'tflite'"
        ),
    ),
    "tflite on a residual": (
        lambda: network(
            conv2d(
                inputs=("x", "x"),
                residual_multiplier=np.ones(4, int),
                requantization=requantization(4, rounding=Rounding.TFLITE),
            )
        ),
        (
            "layer 'conv': rounding must be one of half_up, half_even, half_away, floor, trunc, "
            "found 'tflite'"
        ),
    ),
}

RULES = GRAPH | OUTPUT | SHAPES | PARAMETERS | REQUANTIZATION


def test_no_case_hides_another() -> None:
    parts = (GRAPH, OUTPUT, SHAPES, PARAMETERS, REQUANTIZATION)
    assert len(RULES) == sum(len(part) for part in parts)


@pytest.mark.parametrize(("broken", "message"), RULES.values(), ids=RULES.keys())
def test_broken_rule_is_named(broken: Broken, message: str) -> None:
    with pytest.raises(NetworkError) as error:
        broken()
    assert str(error.value) == message


def test_unknown_kind_of_layer_is_refused() -> None:
    odd = Layer(name="odd", inputs=("x",), shape=(3, 5, 6), output=Q)
    with pytest.raises(
        NetworkError, match="layer 'odd': kind must be one of Input, Conv2d, Linear"
    ):
        network(odd)


@pytest.mark.parametrize(
    "accepted",
    [
        lambda: network(scaled(rounding=Rounding.TFLITE)),
        lambda: network(scaled(shift=np.array([62]), multiplier=np.array([(1 << 31) - 1]))),
        lambda: network(conv2d(bias=np.full(4, (1 << 31) - 27 * 128 - 1))),
        lambda: network(layer(MaxPool2d, padding=(1, 2, 1, 2), shape=(3, 6, 8))),
        lambda: Network((image(shape=(7,)), layer(Requantize, shape=(7,)))),
        lambda: network(conv2d(output=replace(Q, scale=1))),
    ],
    ids=["tflite", "largest multiplier", "largest sum", "most padding", "vector", "int scale"],
)
def test_edge_of_a_rule_is_accepted(accepted: Broken) -> None:
    assert isinstance(accepted(), Network)


def test_input_is_the_first_layer() -> None:
    assert isinstance(network(conv2d()).input, Input)
