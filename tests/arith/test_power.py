from fractions import Fraction

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith import parse


@pytest.mark.parametrize("seed", [1, 2], ids="seed{}".format)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["pow2", "pow4", "pow8"])
def test_a_tensor_is_one_block_of_a_block_logarithm(
    name: str, dtype: type[np.floating], seed: int
) -> None:
    fmt = parse(name)
    for x in rational.numbers(np.random.default_rng(seed), 40, 24, dtype):
        finite = x[np.isfinite(x)]  # a tensor's infinities do not count
        expected = rational.encode(name, finite.tolist(), float(np.finfo(dtype).max))
        encoded = fmt.encode(x)
        assert encoded.shared.exponent == expected.exponent
        assert encoded.codes[np.isfinite(x)].tolist() == expected.codes
        values = fmt.quantize(x)[np.isfinite(x)].tolist()
        assert [Fraction(value) for value in values] == expected.values


@pytest.mark.parametrize("channel_axis", [0, 1, 2, -1])
def test_channels_are_tensors_of_their_own(channel_axis: int) -> None:
    fmt = parse("pow4")
    x = np.random.default_rng(0).normal(size=(3, 4, 5)) * np.arange(1, 6)
    encoded = fmt.encode(x, channel_axis=channel_axis)
    values = fmt.quantize(x, channel_axis=channel_axis)
    assert np.array_equal(values, encoded.decode())
    for c in range(x.shape[channel_axis]):
        alone = fmt.encode(x.take(c, channel_axis))
        assert np.array_equal(encoded.codes.take(c, channel_axis), alone.codes)
        assert np.array_equal(values.take(c, channel_axis), alone.decode())


def test_a_given_scale_is_the_value_of_the_top_code() -> None:
    fmt = parse("pow3")
    encoded = fmt.encode([8.0, 3.0, 1.0, 0.4, -0.6], scale=4)
    assert encoded.codes.tolist() == [0b011, 0b010, 0b001, 0b000, 0b101]
    assert encoded.decode().tolist() == [4, 2, 1, 0, -1]
    by_channel = fmt.quantize(np.full((2, 2), 9.0), scale=[1, 0.5], channel_axis=1)
    assert by_channel.tolist() == [[1, 0.5]] * 2


def test_nothing_but_zeros_has_the_least_exponent() -> None:
    assert parse("pow4").encode([0.0, 0.0]).shared.exponent == -127


@pytest.mark.parametrize("scale", [3.0, 0.0, -2.0, np.inf, 2.0**128, 2.0**-128])
def test_a_scale_that_is_no_power_of_two_is_named(scale: float) -> None:
    message = rf"must be a power of two 2\^-127\.\.2\^127, but is {scale!r}"
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        parse("pow4").encode([1.0], scale=scale)


def test_shapes_that_do_not_match_are_named() -> None:
    with pytest.raises(ValueError, match="scale must be a number unless channel_axis is given"):
        parse("pow4").encode([1.0, 2.0], scale=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"scale must have shape \(2,\)"):
        parse("pow4").encode([1.0, 2.0], scale=[1.0], channel_axis=0)
    with pytest.raises(ValueError, match=r"channel_axis must lie in -1\.\.0"):
        parse("pow4").encode([1.0, 2.0], channel_axis=1)
