from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import oracle

from bitwright.arith import conv2d
from bitwright.arith.convolution import _CHUNK


def codes(seed: int, shape: tuple[int, ...], low: int = -128, high: int = 127) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 5), (7, 1)], ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (3, 2)], ids="stride{0[0]}{0[1]}".format)
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1), (1, 2)], ids="dilation{0[0]}{0[1]}".format)
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (3, 0, 1, 4)], ids=["valid", "padded"])
def test_every_geometry(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> None:
    x, w = codes(0, (2, 3, 14, 11)), codes(1, (4, 3, *kernel))
    bias = codes(2, (4,), -(1 << 31), (1 << 31) - 1)
    result = conv2d(x, w, bias, stride, padding, dilation, x_zero_point=-7)
    expected = oracle.conv2d(x, w, bias, stride, padding, dilation, 1, -7)
    assert result.dtype == np.int64
    assert np.array_equal(result, expected)


@pytest.mark.parametrize(
    ("groups", "channels", "outputs"),
    [(1, 1, 5), (1, 4, 1), (2, 4, 6), (3, 6, 3), (4, 4, 4), (4, 4, 8), (3, 3, 18)],
)
def test_every_kind_of_group(groups: int, channels: int, outputs: int) -> None:
    x, w = codes(0, (2, channels, 6, 5)), codes(1, (outputs, channels // groups, 3, 3))
    for stride, zero in product([(1, 1), (2, 2)], [0, 128]):
        result = conv2d(x, w, None, stride, 1, 1, groups, zero)
        expected = oracle.conv2d(x, w, None, stride, (1, 1, 1, 1), (1, 1), groups, zero)
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("type_x", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint64])
@pytest.mark.parametrize("type_w", [np.int8, np.int16, np.uint16, np.int64])
@pytest.mark.parametrize("groups", [1, 2])
def test_every_integer_type_at_the_ends_of_its_range(
    type_x: type[np.integer], type_w: type[np.integer], groups: int
) -> None:
    low_x, low_w = (max(int(np.iinfo(t).min), -(1 << 15)) for t in (type_x, type_w))
    high_x, high_w = (min(int(np.iinfo(t).max), (1 << 16) - 1) for t in (type_x, type_w))
    zero = low_x if low_x else high_x
    ends_x, ends_w = np.array([low_x, high_x, high_x - 1]), np.array([low_w, high_w, low_w + 1])
    x = ends_x[codes(0, (1, 2, 4, 4), 0, 2)].astype(type_x)
    w = ends_w[codes(1, (2, 2 // groups, 3, 3), 0, 2)].astype(type_w)
    result = conv2d(x, w, groups=groups, padding=1, x_zero_point=zero)
    expected = oracle.conv2d(x, w, None, (1, 1), (1, 1, 1, 1), (1, 1), groups, zero)
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("bits", [8, 9, 12, 16])
@pytest.mark.parametrize("channels", [63, 64, 65, 600])
def test_the_worst_sums_at_every_block_boundary(bits: int, channels: int) -> None:
    # 64 channels of 4x4 taps are K = 1024: 1024 128 128 is 2^24, and 65 channels exceed it.
    low = -(1 << (bits - 1))
    x, w = np.full((1, channels, 4, 4), low), np.full((1, channels, 4, 4), low)
    x[0, -1, -1, -1] += 1
    w[0, -1, -1, -1] += 1
    assert conv2d(x, w).item() == (channels * 16 - 1) * low**2 + (low + 1) ** 2


@pytest.mark.parametrize("groups", [1, 2], ids=["dense", "depthwise"])
def test_the_blocks_allow_for_the_zero_point(groups: int) -> None:
    # 127 127 fits 1024 times below 2^24, but (127 + 128) 127 does not.
    x, w = np.full((1, groups, 32, 32), 127), np.full((groups, 1, 32, 32), 127)
    w[:, :, -1, -1] = 126
    result = conv2d(x, w, groups=groups, x_zero_point=-128)
    assert result.ravel().tolist() == [1023 * 255 * 127 + 255 * 126] * groups


def test_depthwise_sums_beyond_float32_are_exact() -> None:
    x, w = np.full((1, 2, 40, 40), 255), np.full((2, 1, 40, 40), 127)
    x[:, :, -1, -1] = 254
    assert conv2d(x, w, groups=2).ravel().tolist() == [1599 * 255 * 127 + 254 * 127] * 2


@pytest.mark.parametrize("groups", [1, 6], ids=["dense", "depthwise"])
def test_a_batch_of_several_chunks_equals_its_images(groups: int) -> None:
    x, w = codes(0, (70, 6, 28, 28)).astype(np.int8), codes(1, (6, 6 // groups, 5, 5))
    assert 2 * _CHUNK < 70 * 25 * 6 * 28 * 28
    whole = conv2d(x, w, padding=2, groups=groups, x_zero_point=3)
    parts = [conv2d(x[i : i + 1], w, None, 1, 2, 1, groups, 3) for i in range(70)]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("padding", [2, (2, 2), (2, 2, 2, 2), np.int64(2), [2, 2]], ids=repr)
def test_padding_is_one_two_or_four_integers(padding: object) -> None:
    x, w = codes(0, (1, 2, 5, 6)), codes(1, (3, 2, 3, 3))
    expected = oracle.conv2d(x, w, padding=(2, 2, 2, 2))
    assert np.array_equal(conv2d(x, w, padding=padding), expected)  # type: ignore[arg-type]


def test_padding_reads_as_the_zero_point() -> None:
    x = np.full((1, 1, 1, 1), 9)
    assert not conv2d(x, np.ones((1, 1, 3, 3), np.int8), padding=1, x_zero_point=9).any()
    assert conv2d(x, np.ones((1, 1, 3, 3), np.int8), padding=1, x_zero_point=8).item() == 1


def test_the_bias_adds_exactly_at_the_ends_of_32_bits() -> None:
    x, w = np.full((1, 1, 1, 1), -1), np.full((2, 1, 1, 1), 1)
    bias = [-(1 << 31), (1 << 31) - 1]
    assert conv2d(x, w, bias).ravel().tolist() == [-(1 << 31) - 1, (1 << 31) - 2]


def test_an_empty_batch_and_no_outputs() -> None:
    assert conv2d(codes(0, (0, 2, 5, 5)), codes(1, (3, 2, 3, 3))).shape == (0, 3, 3, 3)
    assert conv2d(codes(0, (2, 2, 5, 5)), codes(1, (0, 2, 3, 3))).shape == (2, 0, 3, 3)


def test_strided_and_read_only_input_is_taken_and_left_alone() -> None:
    base = codes(0, (2, 4, 12, 12)).astype(np.int8)
    x = base[:, ::2, ::-1, 1::2]
    x.flags.writeable = False
    before, w = base.copy(), codes(1, (3, 2, 3, 3))
    expected = oracle.conv2d(x, w, padding=(1, 1, 1, 1), x_zero_point=2)
    assert np.array_equal(conv2d(x, w, padding=1, x_zero_point=2), expected)
    assert np.array_equal(base, before)


@pytest.mark.parametrize("seed", range(4), ids="seed{}".format)
def test_torch_in_float64_agrees(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is the second oracle")
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2, 8]))
    x = rng.integers(-128, 128, (3, 8, 17, 19)).astype(np.int8)
    w = rng.integers(-127, 128, (16, 8 // groups, 3, 5)).astype(np.int8)
    bias = rng.integers(-(1 << 20), 1 << 20, 16)
    stride, dilation, padding = (tuple(rng.integers(1, 3, 2).tolist()) for _ in range(3))
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x - np.float64(5)),
        torch.from_numpy(w.astype(np.float64)),
        torch.from_numpy(bias.astype(np.float64)),
        stride,
        padding,
        dilation,
        groups,
    )
    result = conv2d(x, w, bias, stride, padding, dilation, groups, 5)
    assert np.array_equal(result, expected.numpy().astype(np.int64))


X, W = np.zeros((1, 4, 5, 5), np.int8), np.zeros((6, 2, 3, 3), np.int8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 3}, "groups = 3 must divide the 4 channels"),
        ({"groups": 1}, "w must have channels / groups input channels"),
        ({"groups": 0}, "groups = 0 must divide"),
        ({"stride": 0}, "stride must be an integer or a pair, each at least 1, not 0"),
        ({"dilation": (1, 0)}, r"dilation must be .* not \(1, 0\)"),
        ({"stride": (1, 1, 1)}, r"stride must be .* not \(1, 1, 1\)"),
        ({"stride": 1.5}, "stride must be an integer or a pair"),
        ({"padding": -1}, "padding must be .* not -1"),
        ({"padding": (1, 2, 3)}, r"padding must be an integer, a pair or \(top, left"),
        ({"padding": (0, 0, -1, 0)}, "padding must be"),
        ({"dilation": 3}, "the kernel spans 7x7 but the padded input is only 5x5"),
        ({"bias": [1, 2]}, r"bias must have shape \(6,\), but has \(2,\)"),
        ({"x_zero_point": 1 << 17}, "x_zero_point must lie in"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_geometry_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conv2d(X, W, **{"groups": 2, **options})  # type: ignore[arg-type]


def test_bad_arrays_are_named() -> None:
    with pytest.raises(ValueError, match=r"x must be \(N, C, H, W\)"):
        conv2d(X[0], W)
    with pytest.raises(ValueError, match=r"x must lie in .* 70000 at index \(0, 0, 0, 0\)"):
        conv2d(X + np.int32(70000), W, groups=2)
    with pytest.raises(ValueError, match=r"w must lie in"):
        conv2d(X, W - np.int32(70000), groups=2)
    with pytest.raises(TypeError, match="w must be integers, not float64"):
        conv2d(X, W.astype(np.float64), groups=2)
    with pytest.raises(TypeError, match="bias must be integers"):
        conv2d(X, W, np.zeros(6), groups=2)
