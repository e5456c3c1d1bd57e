from fractions import Fraction

import numpy as np
import pytest
from tests.arith.oracle import ONE_ROUNDING, elementwise, rounded

from bitwright.arith import Rounding, shift_round

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def scalar(rounding: str, value: int, shift: int) -> int:
    return rounded(Fraction(value, 1 << shift), rounding)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
def test_every_12_bit_value_by_every_shift_to_15(rounding: str) -> None:
    value = np.arange(-(1 << 11), 1 << 11)
    shift = np.arange(16)[:, None]
    expected = elementwise(lambda v, s: scalar(rounding, v, s), value, shift)
    assert np.array_equal(shift_round(value, shift, rounding), expected)


@pytest.mark.slow
@pytest.mark.parametrize("rounding", ONE_ROUNDING)
@pytest.mark.parametrize("shift", range(16))
def test_every_20_bit_value_equals_float64_where_that_is_exact(rounding: str, shift: int) -> None:
    value = np.arange(-(1 << 19), 1 << 19)
    quotient = value / 2.0**shift  # 20 bits of 53: exact, as is adding a half
    expected = {
        "half_up": np.floor(quotient + 0.5),
        "half_even": np.rint(quotient),
        "half_away": np.copysign(np.floor(np.abs(quotient) + 0.5), quotient),
        "floor": np.floor(quotient),
        "trunc": np.trunc(quotient),
    }[rounding]
    assert np.array_equal(shift_round(value, shift, rounding), expected)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
@pytest.mark.parametrize("shift", [0, 1, 2, 31, 32, 61, 62])
def test_every_edge_of_int64(rounding: str, shift: int) -> None:
    half, one = (1 << shift) >> 1, 1 << shift
    ties = [k * one + half for k in (-2, -1, 0, 1)] + [INT64_MIN + half, INT64_MAX - half]
    near = [tie + d for tie in [*ties, 0, INT64_MIN, INT64_MAX] for d in (-1, 0, 1)]
    edges = sorted({v for v in near if INT64_MIN <= v <= INT64_MAX})
    expected = [scalar(rounding, v, shift) for v in edges]
    assert shift_round(edges, shift, rounding).tolist() == expected


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
def test_random_values_of_random_magnitude(rounding: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = rng.integers(INT64_MIN, INT64_MAX, 2000) >> rng.integers(0, 64, 2000)
    shift = rng.integers(0, 63, 2000)
    expected = elementwise(lambda v, s: scalar(rounding, v, s), value, shift)
    assert np.array_equal(shift_round(value, shift, rounding), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint32, np.uint64])
def test_narrow_input_becomes_int64(dtype: type[np.integer]) -> None:
    result = shift_round(np.array([3, 127], dtype), 1, Rounding.HALF_UP)
    assert result.dtype == np.int64
    assert result.tolist() == [2, 64]


def test_shift_broadcasts_per_channel() -> None:
    assert shift_round([[8, 8], [8, 8]], [[1], [2]]).tolist() == [[4, 4], [2, 2]]


def test_the_input_is_left_alone() -> None:
    value = np.array([5, 7])
    shift_round(value, 0, "half_up")
    shift_round(value, 1, "half_even")
    assert value.tolist() == [5, 7]


def test_empty_input_gives_empty_output() -> None:
    assert shift_round([], 3).shape == (0,)


@pytest.mark.parametrize("shift", [-1, 63])
def test_a_shift_out_of_range_is_named(shift: int) -> None:
    with pytest.raises(ValueError, match=rf"shift must lie in 0\.\.62, but {shift} does not"):
        shift_round([1], shift)


def test_the_first_bad_shift_is_located() -> None:
    with pytest.raises(ValueError, match=r"but 99 at index \(1, 0\) does not"):
        shift_round([[1], [1]], [[1], [99]])


def test_an_unknown_rounding_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'nearest'; accepted: half_up, half_even, half_away"):
        shift_round([1], 1, "nearest")


@pytest.mark.parametrize("shift", [0, 3])
def test_tflite_is_no_single_rounding(shift: int) -> None:
    with pytest.raises(ValueError, match="'tflite' is for requantize only"):
        shift_round([1], shift, Rounding.TFLITE)


@pytest.mark.parametrize("value", [[1.0], [True], ["1"]], ids=["float", "bool", "text"])
def test_only_integers_are_taken(value: list[object]) -> None:
    with pytest.raises(TypeError, match="value must be integers"):
        shift_round(value, 1)  # type: ignore[arg-type]


def test_unsigned_values_beyond_int64_are_refused() -> None:
    with pytest.raises(ValueError, match="9223372036854775808"):
        shift_round(np.array([1 << 63], np.uint64), 1)


def test_names_are_the_enum() -> None:
    assert [str(rule) for rule in Rounding] == [*ONE_ROUNDING, "tflite"]
