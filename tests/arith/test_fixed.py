import math
import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from tests.arith import oracle

from bitwright.arith import Fixed, Overflow, Rounding, parse

FLOATS = [np.float32, np.float64]
SHAPES = [(2, 0), (2, 5), (4, 2), (4, -3), (8, 7), (8, 12), (9, 4), (16, 8)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("signed", [True, False], ids=["fix", "ufix"])
@pytest.mark.parametrize("bits", range(2, 17))
def test_every_code_decodes_and_encodes_to_itself(
    bits: int, signed: bool, dtype: type[np.floating]
) -> None:
    for fraction in (-96, -3, 0, 3, bits, 96):
        fmt = Fixed(bits, fraction, signed)
        values = fmt.values()
        codes = np.arange(fmt.code_low, fmt.code_high + 1)
        assert np.array_equal(values, codes * 2.0**-fraction)
        encoded = fmt.encode(values.astype(dtype))
        assert np.array_equal(encoded.codes, codes)
        assert encoded.decode().dtype == dtype
        assert np.array_equal(encoded.decode(), values)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
@pytest.mark.parametrize(("bits", "fraction"), SHAPES)
def test_every_tie_and_every_end_with_its_neighbours(
    bits: int, fraction: int, rounding: str, overflow: str, dtype: type[np.floating]
) -> None:
    fmt = Fixed(bits, fraction)
    codes = range(fmt.code_low - 3, fmt.code_high + 4)
    if bits > 9:
        codes = range(-40, 40)
    points = [(q + part) * fmt.min_step for q in codes for part in (0, 0.5)]
    x = np.array([near for point in points for near in oracle.around(point, dtype)], dtype)
    expected = [
        oracle.encoded(float(v), fmt.min_step, 0, fmt.code_low, fmt.code_high, rounding, overflow)
        for v in x
    ]
    encoded = fmt.encode(x, rounding=rounding, overflow=overflow)
    assert encoded.codes.tolist() == expected


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
@pytest.mark.parametrize(
    "name", ["fix4.-3", "ufix5.5", "fix8.7", "fix24.96", "fix32.16", "ufix32.-96"]
)
def test_every_magnitude_of_float(
    name: str, rounding: str, overflow: str, dtype: type[np.floating]
) -> None:
    fmt, info = parse(name), np.finfo(dtype)
    assert isinstance(fmt, Fixed)
    rng = np.random.default_rng(0)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp, 3)
    x = np.ldexp(rng.choice([-1, 1], len(exponents)) * rng.uniform(1, 2, len(exponents)), exponents)
    x = np.concatenate([x, [-0.0, info.smallest_subnormal, -info.smallest_subnormal]])
    x = np.concatenate([x.astype(dtype), np.array([info.max, info.min, np.inf, -np.inf], dtype)])
    expected = [
        oracle.encoded(float(v), fmt.min_step, 0, fmt.code_low, fmt.code_high, rounding, overflow)
        for v in x
    ]
    assert fmt.encode(x, rounding=rounding, overflow=overflow).codes.tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize("rounding", oracle.ONE_ROUNDING)
def test_every_float32_of_three_binades_rounds_as_an_integer_shift(rounding: str) -> None:
    # 2^24 floats: 3 x 2^22 mantissas, both signs, as integers of 25 bits shifted by 20.
    from bitwright.arith import shift_round

    mantissa = np.arange(1 << 23, 1 << 24)
    for sign, exponent in product((-1, 1), (-4, -1)):
        x = (sign * mantissa * 2.0 ** (exponent - 20)).astype(np.float32)
        expected = shift_round(sign * mantissa, 20 - exponent, rounding)
        assert np.array_equal(Fixed(16, 0).encode(x, rounding=rounding).codes, expected)


def test_quantize_is_encode_and_decode() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    for overflow in Overflow:
        values = Fixed(6, 4).quantize(x, axis=0, overflow=overflow, rounding=Rounding.FLOOR)
        encoded = Fixed(6, 4).encode(x, axis=0, overflow=overflow, rounding=Rounding.FLOOR)
        assert np.array_equal(values, encoded.decode())
        assert values.shape == x.shape


@pytest.mark.parametrize(("bits", "dtype"), [(24, np.float32), (25, np.float64)])
def test_float32_stays_float32_while_that_is_exact(bits: int, dtype: type[np.floating]) -> None:
    fmt = Fixed(bits, 3)
    values = fmt.quantize(np.array([1e9, -1e9], np.float32))
    assert values.dtype == dtype
    assert values.tolist() == [fmt.max, fmt.min]


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint16, np.int64, ">f4", ">f8"])
def test_other_real_types_are_taken(dtype: type[np.generic] | str) -> None:
    x = np.array([0, 1, 3, 100]).astype(dtype)
    assert Fixed(4, 1).quantize(x).tolist() == [0, 1, 3, 3.5]


def test_scalars_lists_empty_and_strided_arrays() -> None:
    fmt = Fixed(8, 4)
    assert fmt.quantize(0.53).shape == ()
    assert float(fmt.quantize(0.53)) == 0.5
    assert fmt.quantize([]).shape == (0,)
    assert fmt.quantize(np.empty((0, 3), np.float32)).dtype == np.float32
    x = np.random.default_rng(0).normal(size=(6, 8))
    strided = np.asfortranarray(x)[::-2, 1::3]
    assert np.array_equal(fmt.quantize(strided), fmt.quantize(x)[::-2, 1::3])


def test_negative_zero_becomes_zero() -> None:
    assert not np.signbit(Fixed(8, 4).quantize([-0.0, -0.001])).any()


def test_wrapping_is_modulo_the_range() -> None:
    fmt = Fixed(8, 4)
    turn = 2.0**4  # the range, 2^(8-4)
    x = np.linspace(-8, 7.9, 50)
    near = fmt.encode(x).codes
    assert np.array_equal(fmt.encode(x + 3 * turn, overflow="wrap").codes, near)
    assert Fraction(float(fmt.quantize(1e6 * turn + 1.5, overflow="wrap"))) == Fraction(3, 2)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_nan_is_refused_with_its_first_index(shape: tuple[int, ...]) -> None:
    x = np.zeros(shape)
    index = tuple(size - 1 for size in shape)
    x[index] = math.nan
    with pytest.raises(ValueError, match=re.escape(f"x is NaN at index {index}")):
        Fixed(8, 4).encode(x)


def test_bad_options_and_data_are_named() -> None:
    fmt = Fixed(8, 4)
    with pytest.raises(ValueError, match=r"axis must lie in -2\.\.1 for 2 axes, but is 2"):
        fmt.quantize(np.zeros((2, 2)), axis=2)
    with pytest.raises(ValueError, match="unknown overflow 'clip'; accepted: saturate, wrap"):
        fmt.quantize([1.0], overflow="clip")
    with pytest.raises(ValueError, match="unknown rounding 'nearest'"):
        fmt.quantize([1.0], rounding="nearest")
    with pytest.raises(ValueError, match="'tflite' is for requantize only"):
        fmt.quantize([1.0], rounding="tflite")
    with pytest.raises(ValueError, match=r"integers beyond 2\^53"):
        fmt.quantize([1 << 54])
    with pytest.raises(
        TypeError, match="x must be float16, float32, float64 or integer, not complex"
    ):
        fmt.quantize([1j])
    with pytest.raises(TypeError, match="scale"):
        fmt.quantize([1.0], scale=1.0)
