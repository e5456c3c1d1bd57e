"""Single facts of single minifloats, from their standards and from faults of other libraries."""

import numpy as np
import pytest

from bitwright.arith import parse


def test_ocp_fp8_special_codes() -> None:
    e4m3, e5m2 = parse("fp8_e4m3").values(), parse("fp8_e5m2").values()
    assert np.flatnonzero(~np.isfinite(e4m3)).tolist() == [0x7F, 0xFF]
    assert np.isnan(e4m3[[0x7F, 0xFF]]).all()
    assert e5m2[[0x7C, 0xFC]].tolist() == [np.inf, -np.inf]
    assert np.isnan(e5m2[[0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF]]).all()
    assert (parse("fp8_e4m3").max, parse("fp8_e5m2").max) == (448, 57344)


@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2", "e4m3", "dmf_e4m3"])
def test_numbers_beyond_the_largest_saturate(name: str) -> None:
    fmt = parse(name)
    x = np.float32([fmt.max, fmt.max * 1.5, 3e38, np.inf])
    assert fmt.quantize(x).tolist() == [fmt.max] * 4
    assert fmt.quantize(-x).tolist() == [-fmt.max] * 4


def test_codes_without_a_value_have_no_mantissa() -> None:
    element = parse("fp8_e5m2").element
    with pytest.raises(ValueError, match="code 0x7c is not a finite number"):
        element.mantissas([0x3C, 0x7C])
    with pytest.raises(ValueError, match=r"codes must lie in 0\.\.255, but 256"):
        element.mantissas([256])


@pytest.mark.parametrize(
    ("name", "greatest", "least"),
    [("e4m3", 480, 2**-9), ("e5m2", 114688, 2**-16), ("e2m1", 6, 0.5), ("e1m2", 3.5, 0.5),
     ("e3m2", 28, 1 / 16), ("e2m3", 7.5, 1 / 8), ("dmf_e4m3", 224, 2**-10),
     ("e5m10", 131008, 2**-24)],
)  # fmt: skip
def test_range(name: str, greatest: float, least: float) -> None:
    fmt = parse(name)
    assert (fmt.max, fmt.min, fmt.min_step) == (greatest, -greatest, least)


def test_one_is_a_denormalised_minifloat() -> None:
    # 1.0 = 4/8 2^1, and 0.875 = 7/8 2^0 lies below it: a fixed exponent of 0 would give that.
    fmt = parse("dmf_e4m3")
    assert fmt.quantize([1.0, 0.95, 0.93]).tolist() == [1.0, 1.0, 0.875]
    assert fmt.encode([1.0]).codes.tolist() == [0b0_1000_100]


def test_several_codes_of_a_denormalised_minifloat_mean_the_same() -> None:
    fmt = parse("dmf_e2m3")
    values = fmt.values()
    assert values[0b0_01_100] == values[0b0_10_010] == values[0b0_11_001] == 0.5
    assert fmt.encode([0.5, -0.5, 0.0, -0.0]).codes.tolist() == [
        0b0_01_100,
        0b1_01_100,
        0,
        0b1_00_000,
    ]


def test_rounding_up_carries_into_the_next_binade() -> None:
    fmt = parse("e4m3")
    assert fmt.quantize([1.99, 3.9, 0.0155, 0.999]).tolist() == [2.0, 4.0, 0.015625, 1.0]
    assert fmt.encode([1.99]).codes.tolist() == [0b0_1000_000]


def test_the_sign_of_zero_is_kept() -> None:
    for name in ("e4m3", "fp8_e5m2", "dmf_e4m3"):
        encoded = parse(name).encode([0.0, -0.0, 1e-30, -1e-30])
        assert encoded.codes.tolist() == [0, 0x80, 0, 0x80]
        assert np.signbit(encoded.decode()).tolist() == [False, True, False, True]


def test_values_that_float32_lacks_are_float64() -> None:
    x = np.float32([np.finfo(np.float32).max])
    assert parse("e8m7").quantize(x).tolist() == [2.0**128]
    assert parse("e8m7").quantize(x).dtype == parse("e8m7").encode(x).dtype == np.float64
    assert parse("e7m8").quantize(x).dtype == np.float32
