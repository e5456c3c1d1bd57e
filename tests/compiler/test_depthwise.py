"""Which depthwise convolutions go to the engine: those it can take, where it is the faster."""

from dataclasses import replace

import numpy as np
import pytest

from bitwright.compiler import compile, predict
from bitwright.isa import Architecture
from bitwright.isa.instructions import VectorOp
from bitwright.network import Conv2d, Input, Network, Quantization, Requantization, infer_shape

ARCHITECTURE = Architecture(line_words=16)
Values = dict[str, object]


def network(shape: tuple[int, int, int], **values: object) -> Network:
    """A depthwise convolution, 3x3 and padded by one unless told otherwise."""
    q = Quantization(scale=0.1)
    kernel = values.pop("kernel", (3, 3))
    assert isinstance(kernel, tuple)
    channels = shape[0]
    layer = Conv2d(
        name="depthwise",
        inputs=("x",),
        shape=(1,),
        output=q,
        weight=np.ones((channels, 1, *kernel), np.int64),
        weight_bits=8,
        bias=np.zeros(channels, np.int64),
        requantization=Requantization(
            multiplier=np.ones(channels, np.int64),
            shift=np.full(channels, 4),
            low=-128,
            high=127,
        ),
        groups=channels,
        **{"padding": (1, 1, 1, 1), **values},
    )
    layer = replace(layer, shape=infer_shape(layer, [shape]))
    return Network((Input(name="x", inputs=(), shape=shape, output=q), layer))


def operation(shape: tuple[int, int, int], architecture: Architecture, **values: object) -> int:
    """What the convolution's instruction is."""
    (fields,) = compile(network(shape, **values), architecture).decoded()[1:-1]
    return fields["vector_op"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"stride": (2, 2)},
        {"stride": (1, 2)},
        {"padding": (0, 0, 0, 0)},
        {"padding": (0, 1, 1, 0)},
    ],
    ids=str,
)
def test_engine_takes_3x3_windows(values: Values) -> None:
    assert operation((20, 9, 11), ARCHITECTURE, **values) == VectorOp.DEPTHWISE


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ((20, 9, 11), {"kernel": (5, 5), "padding": (2, 2, 2, 2)}),
        ((20, 9, 11), {"kernel": (3, 1), "padding": (1, 0, 1, 0)}),
        ((20, 9, 11), {"dilation": (1, 2)}),
        ((20, 9, 11), {"padding": (2, 1, 1, 1)}),
        ((20, 9, 17), {}),
        ((20, 9, 1), {}),
        ((20, 1, 9), {}),
    ],
    ids=["5x5", "3x1", "dilated", "padded by two", "long lines", "lines of a word", "one line"],
)
def test_vector_lanes_take_the_others(shape: tuple[int, int, int], values: Values) -> None:
    assert operation(shape, ARCHITECTURE, **values) == VectorOp.MAC


def test_vector_lanes_take_all_where_there_is_no_engine() -> None:
    assert operation((20, 9, 11), replace(ARCHITECTURE, line_words=0)) == VectorOp.MAC


def test_vector_lanes_take_few_windows_of_a_large_image() -> None:
    assert operation((8, 16, 16), ARCHITECTURE, stride=(14, 14)) == VectorOp.MAC


def test_padding_costs_no_cycles() -> None:
    """Of 5 channel tiles: 1,280 words, and then the last line's windows."""
    image = network((40, 16, 16))
    model = predict(compile(image, ARCHITECTURE))
    assert 5 * 256 + 16 < model.instructions[1] < 5 * 256 + 16 + 40
    assert model.macs == 40 * 16 * 16 * 9
