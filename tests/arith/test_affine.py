import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import oracle

from bitwright.arith import Affine, Encoded, Integer, Overflow, parse

FLOATS = [np.float32, np.float64]
SCALES = [1.0, 0.1, 1 / 3, 0.0078125, 3.7e-5, 2.5e30, 1e-37]


def expected_codes(
    encoded: Encoded[Affine], x: NDArray[np.floating], rounding: str, overflow: str, low: int
) -> list[int]:
    fmt = encoded.format
    scale, zero = float(encoded.shared.scale), int(encoded.shared.zero_point)
    return [
        oracle.encoded(float(v), scale, zero, low, fmt.code_high, rounding, overflow) for v in x
    ]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("signed", [True, False], ids=["int", "uint"])
@pytest.mark.parametrize("bits", range(2, 17))
def test_every_code_decodes_and_encodes_to_itself(
    bits: int, signed: bool, dtype: type[np.floating]
) -> None:
    fmt = Integer(bits, signed)
    codes = np.arange(fmt.code_low, fmt.code_high + 1)
    for scale in SCALES:
        for zero in {fmt.code_low, 0, fmt.code_high}:
            values = (codes - zero).astype(dtype) * dtype(scale)
            encoded = fmt.encode(values, scale=scale, zero_point=zero)
            assert np.array_equal(encoded.codes, codes)
            assert encoded.decode().dtype == dtype
            assert np.array_equal(encoded.decode(), values)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
@pytest.mark.parametrize("scale", SCALES)
def test_every_tie_and_every_end_with_its_neighbours(
    scale: float, rounding: str, overflow: str, dtype: type[np.floating]
) -> None:
    fmt, zero = Integer(6), -5
    points = [Fraction(float(dtype(scale))) * k / 2 for k in range(-90, 90)]
    x = np.array([near for point in points for near in oracle.around(float(point), dtype)], dtype)
    encoded = fmt.encode(x, scale=scale, zero_point=zero, rounding=rounding, overflow=overflow)
    assert encoded.codes.tolist() == expected_codes(encoded, x, rounding, overflow, -32)


@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
@pytest.mark.parametrize("seed", range(3), ids="seed{}".format)
def test_quotients_that_float_division_rounds_onto_a_tie(seed: int, rounding: str) -> None:
    # x nearest to (k + 1/2) scale, and to k scale: x / scale is often exactly there in floats.
    rng = np.random.default_rng(seed)
    fmt, scale = Integer(16), float(np.exp2(rng.uniform(-3, 3)))
    half_steps = rng.integers(-(1 << 16), 1 << 16, 2000)
    x = half_steps / 2 * scale
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
    on_tie = (x / scale * 2 == np.rint(x / scale * 2)) & np.array(
        [Fraction(float(v)) != Fraction(scale) * round(2 * v / scale) / 2 for v in x]
    )
    assert on_tie.sum() > 500
    encoded = fmt.encode(x, scale=scale, rounding=rounding)
    assert encoded.codes.tolist() == expected_codes(encoded, x, rounding, "saturate", -32768)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
@pytest.mark.parametrize("name", ["int2", "int8", "uint8", "int16"])
def test_every_magnitude_of_float(
    name: str, rounding: str, overflow: str, dtype: type[np.floating]
) -> None:
    fmt, info = parse(name), np.finfo(dtype)
    assert isinstance(fmt, Integer)
    rng = np.random.default_rng(0)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp, 7)
    x = np.ldexp(rng.choice([-1, 1], len(exponents)) * rng.uniform(1, 2, len(exponents)), exponents)
    ends = [info.max, info.min, np.inf, -np.inf, -info.smallest_subnormal, -0.0]
    x = np.concatenate([x.astype(dtype), np.array(ends, dtype)])
    for scale in (float(info.tiny), 0.3, float(info.max) / (1 << 17)):
        encoded = fmt.encode(x, scale=scale, zero_point=1, rounding=rounding, overflow=overflow)
        expected = expected_codes(encoded, x, rounding, overflow, fmt.code_low)
        assert encoded.codes.tolist() == expected


def test_ties_are_decided_before_the_zero_point() -> None:
    # 2.5 to even is 2, and the code 3; the code nearest to 3.5, ties to even, would be 4.
    assert Integer(8).encode([2.5], scale=1, zero_point=1).codes.tolist() == [3]
    assert Integer(8).encode([-0.5], scale=1, zero_point=1, rounding="half_away").codes == [0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_a_scale_left_out_maps_the_largest_to_the_greatest_code(
    bits: int, dtype: type[np.floating]
) -> None:
    fmt = Integer(bits)
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(4, 5)).astype(dtype)
        encoded = fmt.encode(x)
        peak = np.abs(x).max()
        assert encoded.shared.scale == peak / dtype(fmt.code_high)
        assert encoded.shared.scale.dtype == dtype
        assert encoded.shared.zero_point == 0
        assert np.abs(encoded.codes.astype(int)).max() == fmt.code_high


@pytest.mark.parametrize("channel_axis", [0, 1, 2, -1])
@pytest.mark.parametrize("name", ["int8", "uint8"])
def test_channels_are_tensors_of_their_own(name: str, channel_axis: int) -> None:
    fmt = parse(name)
    assert isinstance(fmt, Integer)
    x = np.random.default_rng(0).normal(size=(3, 4, 5)) * np.arange(1, 6)
    encoded = fmt.encode(x, channel_axis=channel_axis)
    for c in range(x.shape[channel_axis]):
        alone = fmt.encode(x.take(c, channel_axis))
        assert np.array_equal(encoded.codes.take(c, channel_axis), alone.codes)
        assert np.array_equal(encoded.decode().take(c, channel_axis), alone.decode())


def test_given_channels_are_applied_along_their_axis() -> None:
    x = np.ones((2, 3))
    encoded = Integer(8).encode(x, scale=[1, 0.5, 0.25], zero_point=[0, 1, 2], channel_axis=1)
    assert encoded.codes.tolist() == [[1, 3, 6]] * 2
    assert np.array_equal(encoded.decode(), x)
    mixed = Integer(8).encode(x, scale=0.5, zero_point=[0, 1, 2], channel_axis=1)
    assert mixed.codes.tolist() == [[2, 3, 4]] * 2


def test_uint_left_to_itself_spans_least_to_greatest_and_zero() -> None:
    encoded = Integer(8, signed=False).encode([-1.0, 0.0, 4.1])
    assert encoded.shared.scale == 4.1 / 255 + 1 / 255
    assert encoded.shared.zero_point == 50
    assert encoded.codes.tolist() == [0, 50, 255]
    assert encoded.decode()[1] == 0
    positive = Integer(8, signed=False).encode([1.0, 5.0])
    assert positive.shared.zero_point == 0
    assert positive.codes.tolist() == [51, 255]
    negative = Integer(8, signed=False).encode([-1.0, -5.0])
    assert negative.shared.zero_point == 255
    assert negative.codes.tolist() == [204, 0]


@pytest.mark.parametrize("name", ["int8", "uint8"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 2)])
def test_nothing_but_zeros_has_scale_one(name: str, shape: tuple[int, ...]) -> None:
    fmt = parse(name)
    assert isinstance(fmt, Integer)
    encoded = fmt.encode(np.zeros(shape))
    assert encoded.shared.scale == 1
    assert encoded.decode().shape == shape
    assert not encoded.codes.any()


def test_a_zero_channel_does_not_borrow_from_its_neighbours() -> None:
    encoded = Integer(8).encode([[0.0, 0.0], [1.0, 2.0]], channel_axis=0)
    assert encoded.shared.scale.ravel().tolist() == [1, 2 / 127]


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinities_saturate_and_do_not_count(dtype: type[np.floating]) -> None:
    encoded = Integer(8).encode(np.array([np.inf, -np.inf, 1.0, -1.27], dtype))
    assert encoded.codes.tolist() == [127, -127, 100, -127]
    assert np.isfinite(encoded.decode()).all()
    assert Integer(8).encode(np.array([np.inf], dtype)).codes.tolist() == [127]
    unsigned = Integer(8, signed=False).encode(np.array([np.inf, -np.inf, 1.0], dtype))
    assert unsigned.codes.tolist() == [255, 0, 255]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bits", range(2, 17))
def test_the_largest_and_the_smallest_numbers_have_codes(
    bits: int, dtype: type[np.floating]
) -> None:
    info, fmt = np.finfo(dtype), Integer(bits)
    top = fmt.encode(np.array([info.max, info.min], dtype))
    assert top.codes.tolist() == [fmt.code_high, -fmt.code_high]
    assert np.isfinite(top.decode()).all()
    low = fmt.encode(np.array([info.smallest_subnormal], dtype))
    assert low.shared.scale == info.tiny
    assert low.codes.tolist() == [0]


def test_narrow_leaves_out_the_least_code() -> None:
    x = [-1000.0, 1000.0]
    fmt = Integer(8)
    assert fmt.encode(x, scale=1).codes.tolist() == [-128, 127]
    assert fmt.encode(x, scale=1, narrow=True).codes.tolist() == [-127, 127]
    assert fmt.encode([-math.inf, 1.0]).codes.tolist() == [-127, 127]
    assert fmt.encode([-math.inf, 1.0], narrow=False).codes.tolist() == [-128, 127]
    with pytest.raises(ValueError, match="narrow is for signed codes that saturate, not uint8"):
        Integer(8, signed=False).encode(x, scale=1, narrow=True)
    with pytest.raises(ValueError, match="not int8, wrap"):
        fmt.encode(x, scale=1, narrow=True, overflow="wrap")


def test_quantize_is_encode_and_decode() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    encoded = Integer(8).encode(x, scale=0.05, zero_point=3, rounding="floor")
    values = Integer(8).quantize(x, scale=0.05, zero_point=3, rounding="floor")
    assert np.array_equal(values, encoded.decode())


@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
def test_torch_fake_quantize_agrees_where_its_reciprocal_is_exact(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is the second oracle")
    x = np.random.default_rng(seed).normal(size=5000).astype(np.float32)
    scale = 2.0**-5  # torch multiplies by 1 / scale, which only a power of two makes exact
    theirs = torch.fake_quantize_per_tensor_affine(torch.from_numpy(x), scale, 3, -128, 127)
    assert np.array_equal(Integer(8).quantize(x, scale=scale, zero_point=3), theirs.numpy())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, r"scale must be positive and normal in float64, but is 0\.0"),
        ({"scale": -1.5}, r"scale must be positive .* but is -1\.5"),
        ({"scale": math.inf}, "scale must be positive .* but is inf"),
        ({"scale": math.nan}, "scale is NaN"),
        ({"scale": 1e-310}, "scale must be positive and normal in float64, but is 1e-310"),
        ({"scale": 1e307}, r"a scale of 1e\+307 makes values of int8 overflow float64"),
        ({"scale": [1.0, 0.0], "channel_axis": 0}, "scale must be positive"),
        ({"scale": [1.0, 1.0]}, r"scale must be a number unless channel_axis .* shape \(2,\)"),
        (
            {"scale": [1.0], "channel_axis": 0},
            r"scale must have shape \(2,\), the channels of axis 0",
        ),
        ({"scale": 1, "zero_point": 128}, r"zero_point must lie in -128\.\.127, but 128"),
        ({"scale": 1, "zero_point": -129}, r"zero_point must lie in -128\.\.127, but -129"),
        ({"zero_point": 1}, "zero_point needs a scale"),
        ({"channel_axis": 2}, r"channel_axis must lie in -2\.\.1 for 2 axes, but is 2"),
        ({"axis": -3}, r"axis must lie in -2\.\.1 for 2 axes, but is -3"),
        ({"scale": 1, "rounding": "tflite"}, "'tflite' is for requantize only"),
        ({"scale": 1, "overflow": "clip"}, "unknown overflow 'clip'"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Integer(8).encode(np.ones((2, 3)), **options)  # type: ignore[arg-type]


def test_a_scale_too_small_for_float32_is_named() -> None:
    with pytest.raises(ValueError, match="normal in float32, but is 1e-40"):
        Integer(8).encode(np.ones(1, np.float32), scale=1e-40)


def test_uint_spans_that_overflow_are_named() -> None:
    peak = np.finfo(np.float64).max
    with pytest.raises(ValueError, match="makes values of uint8 overflow float64"):
        Integer(8, signed=False).encode([-peak, peak])


def test_bad_data_are_named() -> None:
    with pytest.raises(ValueError, match=r"x is NaN at index \(0, 1\)"):
        Integer(8).encode([[0.0, math.nan], [math.nan, 0.0]])
    with pytest.raises(TypeError, match="zero_point must be integers, not float64"):
        Integer(8).encode([1.0], scale=1, zero_point=0.5)
    with pytest.raises(TypeError, match="x must be float16"):
        Integer(8).encode(np.array([True]))
