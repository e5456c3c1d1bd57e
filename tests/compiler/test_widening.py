"""A convolution of few channels computes neighbouring pixels in columns of their own."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.networks import random_codes

from bitwright.compiler import compile
from bitwright.compiler.lowering.widening import widened
from bitwright.isa import Architecture
from bitwright.network import (
    Conv2d,
    Input,
    Network,
    Quantization,
    Requantization,
    infer_shape,
)

ARCHITECTURE = Architecture()
Q = Quantization(scale=0.1, zero_point=5)


def convolution(
    channels: int, shape: tuple[int, int, int], kernel: int = 3, **values: object
) -> Network:
    """A convolution of so many output channels."""
    rng = np.random.default_rng(3)
    layer = Conv2d(
        name="conv",
        inputs=("x",),
        shape=(1,),
        output=Q,
        weight=rng.integers(-128, 128, (channels, shape[0], kernel, kernel)),
        weight_bits=8,
        bias=rng.integers(-1000, 1000, channels),
        requantization=Requantization(
            multiplier=rng.integers(20, 60, channels),
            shift=np.full(channels, 14, np.int64),
            low=-128,
            high=127,
        ),
        **{"padding": (1, 1, 1, 1), **values},
    )
    layer = replace(layer, shape=infer_shape(layer, [shape]))
    return Network((Input(name="x", inputs=(), shape=shape, output=Q), layer))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("count", [2, 4])
def test_widened_convolution_computes_neighbours(count: int, stride: int) -> None:
    network = convolution(3, (8, 9, 16), stride=(stride, stride))
    layer = network["conv"]
    assert isinstance(layer, Conv2d)
    made = widened(layer, count)
    # Its windows end further to the right, on the same pixels or on padding.
    top, left, bottom, right = layer.padding
    reach = (layer.shape[2] - 1) * stride + layer.weight.shape[3] - left
    made = replace(made, padding=(top, left, bottom, max(right, reach - 16)))
    made = replace(made, shape=infer_shape(made, [(8, 9, 16)]))
    x = random_codes(network, 3)
    images, channels, height, width = network.run(x).shape
    found = Network((network.input, made)).run(x)
    found = found.reshape(images, count, channels, height, width // count)
    found = found.transpose(0, 2, 3, 4, 1).reshape(images, channels, height, width)
    assert (found == network.run(x)).all()


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (convolution(3, (16, 8, 8)), 2),
        (convolution(1, (16, 8, 8)), 8),
        (convolution(8, (16, 8, 8)), 1),
        (convolution(3, (16, 8, 7)), 1),
        (convolution(3, (16, 8, 9)), 1),
        (convolution(2, (16, 8, 9)), 3),
        (convolution(3, (16, 8, 8), dilation=(2, 2)), 1),
    ],
    ids=["3", "1", "8", "3 on lines of 7", "3 on lines of 9", "2 on lines of 9", "dilated"],
)
def test_as_many_neighbours_as_save_cycles(network: Network, count: int) -> None:
    (fields,) = compile(network, ARCHITECTURE).decoded()[1:-1]
    channels, _, width = network.output.shape
    assert fields["out_width"] == width // count
    assert fields["out_pitch"] == channels * count
    assert fields["last_columns"] == channels * count


def test_place_of_an_output_is_its_column() -> None:
    from bitwright.sim.divergence import locate

    program = compile(convolution(3, (16, 8, 8)), ARCHITECTURE)
    columns = {
        locate(program, program.layers[-1], (channel, 0, x)).column
        for channel in range(3)
        for x in range(4)
    }
    assert columns == set(range(6))
