"""An image is sent stacked where that saves cycles, and is the same image."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.networks import random_codes

from bitwright.compiler import CompileError, Program, compile, predict
from bitwright.compiler.stacking import stack
from bitwright.isa import Architecture
from bitwright.network import (
    Concat,
    Conv2d,
    Input,
    Network,
    Quantization,
    Requantization,
    Requantize,
    infer_shape,
)

ARCHITECTURE = Architecture()
Q = Quantization(scale=0.1, zero_point=-7)


def network(shape: tuple[int, int, int], kernel: tuple[int, int], **values: object) -> Network:
    """A convolution of 8 channels on an image."""
    rng = np.random.default_rng(3)
    layer = Conv2d(
        name="stem",
        inputs=("x",),
        shape=(1,),
        output=Q,
        weight=rng.integers(-128, 128, (8, shape[0], *kernel)),
        weight_bits=8,
        bias=rng.integers(-1000, 1000, 8),
        requantization=requantization(8),
        **values,
    )
    layer = replace(layer, shape=infer_shape(layer, [shape]))
    return Network((Input(name="x", inputs=(), shape=shape, output=Q), layer))


def requantization(channels: int) -> Requantization:
    return Requantization(
        multiplier=np.full(channels, 40, np.int64),
        shift=np.full(channels, 14, np.int64),
        low=-128,
        high=127,
    )


def sent(program: Program, x: NDArray[np.int8]) -> NDArray[np.int8]:
    """The images as bytes of the input stream."""
    return program.pack_images(x).reshape(len(x), -1).view(np.int8)


STEMS = {
    "3x3 of three channels": ((3, 9, 8), (3, 3), {"padding": (1, 1, 1, 1)}),
    "with stride": ((3, 16, 10), (3, 3), {"padding": (1, 1, 1, 1), "stride": (2, 2)}),
    "10x4 of one channel": ((1, 20, 10), (10, 4), {"padding": (5, 1, 5, 1), "stride": (2, 2)}),
    "dilated": ((3, 15, 15), (3, 3), {"dilation": (2, 2)}),
    "padded below alone": ((3, 9, 9), (3, 3), {"padding": (0, 0, 2, 0)}),
}


@pytest.mark.parametrize("stem", STEMS.values(), ids=list(STEMS))
def test_stacked_network_computes_the_same(stem: tuple[object, ...]) -> None:
    shape, kernel, values = stem
    plain = network(shape, kernel, **values)
    stacked = stack(plain, ARCHITECTURE)
    assert stacked is not None
    x = random_codes(plain, 3)
    packed = sent(compile(plain, ARCHITECTURE), x)
    channels, height, width = stacked.network.input.shape
    image = packed[:, : channels * height * width].reshape(3, height, width, channels)
    assert (stacked.network.run(image.transpose(0, 3, 1, 2)) == plain.run(x)).all()


@pytest.mark.parametrize("stem", STEMS.values(), ids=list(STEMS))
def test_stacked_image_is_read_back(stem: tuple[object, ...]) -> None:
    shape, kernel, values = stem
    program = compile(network(shape, kernel, **values), ARCHITECTURE)
    x = random_codes(program.network, 3)
    restored = Program.from_bytes(program.to_bytes())
    for each in (program, restored):
        assert each.input_plan.lines is not None
        assert (each.unpack_region(each.input_plan, sent(each, x).view(np.uint8)) == x).all()


def test_stem_takes_no_more_words_than_its_bytes() -> None:
    """27 of a 3x3 kernel on three channels are 4 words of 8, not 3 times 2."""
    program = compile(network((3, 16, 16), (3, 3), padding=(1, 1, 1, 1)), ARCHITECTURE)
    (fields,) = program.decoded()[1:-1]
    assert fields["words"] * fields["kernel_x"] * fields["kernel_y"] == 4
    assert predict(program).instructions[1] < 32 * 32 + 60


def test_image_is_not_stacked_where_nothing_is_saved() -> None:
    assert stack(network((8, 16, 16), (3, 3)), ARCHITECTURE) is None
    assert stack(network((3, 16, 16), (1, 1)), ARCHITECTURE) is None


def test_image_with_lines_that_no_window_reads_is_not_stacked() -> None:
    shape, kernel = (3, 16, 10), (3, 3)
    assert stack(network(shape, kernel, stride=(2, 2)), ARCHITECTURE) is None
    assert stack(network(shape, kernel, stride=(2, 2), padding=(0, 0, 1, 0)), ARCHITECTURE)


def test_image_with_another_reader_is_not_stacked() -> None:
    plain = network((3, 16, 16), (3, 3), padding=(1, 1, 1, 1))
    other = Requantize(
        name="other", inputs=("x",), shape=(3, 16, 16), output=Q, requantization=requantization(1)
    )
    both = Concat(name="both", inputs=("stem", "other"), shape=(11, 16, 16), output=Q)
    assert stack(Network((*plain.layers, other, both)), ARCHITECTURE) is None


def test_image_that_fits_only_as_it_is_is_sent_as_it_is() -> None:
    plain = network((3, 16, 16), (3, 3), padding=(1, 1, 1, 1))
    for words, stacked in ((256, False), (512, True)):
        program = compile(plain, replace(ARCHITECTURE, activation_words=words))
        assert (program.input_plan.lines is not None) == stacked
    with pytest.raises(CompileError, match="768 bytes do not fit"):
        compile(plain, replace(ARCHITECTURE, activation_words=64))
