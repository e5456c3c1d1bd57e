from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from tests.arith.oracle import (
    INT32_MAX,
    INT32_MIN,
    ONE_ROUNDING,
    clamped,
    code_ends,
    elementwise,
    requantized,
    rounded,
)

from bitwright.arith import requantize, requantize_sum

MAX_MULTIPLIER = (1 << 31) - 1
EDGE_ACCS = [INT32_MIN, INT32_MIN + 1, -3, -2, -1, 0, 1, 2, 3, INT32_MAX - 1, INT32_MAX]
EDGE_MULTIPLIERS = [0, 1, 2, 3, 1 << 30, MAX_MULTIPLIER - 1, MAX_MULTIPLIER]
EDGE_SHIFTS = [0, 1, 2, 30, 31, 32, 33, 60, 61, 62]


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
def test_every_small_operand(rounding: str) -> None:
    acc = np.arange(-128, 128)
    multiplier = np.arange(16)[:, None]
    shift = np.arange(8)[:, None, None]
    expected = elementwise(
        lambda a, m, s: requantized(a, m, s, 3, rounding, -128, 127), acc, multiplier, shift
    )
    assert np.array_equal(requantize(acc, multiplier, shift, 3, rounding), expected)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
def test_every_edge(rounding: str) -> None:
    acc = np.array(EDGE_ACCS)
    multiplier = np.array(EDGE_MULTIPLIERS)[:, None]
    shift = np.array(EDGE_SHIFTS)[:, None, None]
    for bits, signed, zero in [(8, True, -128), (8, False, 255), (16, True, 5), (32, True, -7)]:
        low, high = code_ends(bits, signed)
        expected = elementwise(
            lambda a, m, s, z=zero, lo=low, hi=high: requantized(a, m, s, z, rounding, lo, hi),
            acc,
            multiplier,
            shift,
        )
        result = requantize(acc, multiplier, shift, zero, rounding, bits, signed)
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
def test_random_channels(rounding: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    acc = rng.integers(-(1 << 20), 1 << 20, (2, 5, 7, 7))
    multiplier = rng.integers(1 << 30, 1 << 31, (5, 1, 1))
    shift = rng.integers(42, 48, (5, 1, 1))  # the quotient spans a few hundred
    expected = elementwise(
        lambda a, m, s: requantized(a, m, s, -4, rounding, -128, 127), acc, multiplier, shift
    )
    result = requantize(acc, multiplier, shift, -4, rounding)
    assert np.array_equal(result, expected)
    assert len(np.unique(result)) > 50  # not all saturated


def test_the_zero_point_is_added_after_rounding() -> None:
    # 2.5 to even is 2, and 3 more is 5; 5.5 to even would be 6.
    assert requantize([5], 1, 1, 3, "half_even").tolist() == [5]
    # -0.5 away from zero is -1, and 3 more is 2; 2.5 away from zero would be 3.
    assert requantize([-1], 1, 1, 3, "half_away").tolist() == [2]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(None, None, [-128, -3, 0, 127]), (0, None, [0, 0, 0, 127]), (-5, 6, [-5, -3, 0, 6])],
)
def test_a_fused_clamp_narrows_the_range(
    low: int | None, high: int | None, expected: list[int]
) -> None:
    assert requantize([-999, -3, 0, 999], 1, 0, low=low, high=high).tolist() == expected


def test_unsigned_and_narrow_codes_saturate_at_their_own_ends() -> None:
    assert requantize([-9, 9], 1, 0, bits=3).tolist() == [-4, 3]
    assert requantize([-9, 9], 1, 0, bits=3, signed=False).tolist() == [0, 7]


def test_the_accumulator_is_left_alone() -> None:
    acc = np.array([1000, -1000])
    requantize(acc, 1, 0, 5)
    assert acc.tolist() == [1000, -1000]


def test_an_int32_accumulator_does_not_overflow() -> None:
    acc = np.array([INT32_MIN, INT32_MAX], np.int32)
    multiplier = np.array([MAX_MULTIPLIER], np.int32)
    assert requantize(acc, multiplier, np.int8(31), bits=32).tolist() == [INT32_MIN + 1, 2147483646]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1 << 31], 1, 0), r"acc must lie in -2147483648\.\.2147483647, but 2147483648 at index"),
        (([INT32_MIN - 1], 1, 0), "acc must .* -2147483649 at index"),
        (([1], -1, 0), r"multiplier must lie in 0\.\.2147483647, but -1 does not"),
        (([1], 1 << 31, 0), "multiplier must .* 2147483648 does not"),
        (([1], 1, -1), r"shift must lie in 0\.\.62, but -1"),
        (([1], 1, 63), r"shift must lie in 0\.\.62, but 63"),
        (([1], 1, 0, 128), r"zero_point must be a 8-bit signed code, -128\.\.127, but is 128"),
        (([1], 1, 0, -1, "half_up", 8, False), "zero_point must be a 8-bit unsigned code"),
        (([1], 1, 0, 0, "half_down"), "unknown rounding 'half_down'"),
        (([1], 1, 0, 0, "half_up", 33), r"bits must lie in 1\.\.32, but is 33"),
        (([1], 1, 0, 0, "half_up", 0), r"bits must lie in 1\.\.32, but is 0"),
    ],
)
def test_a_value_out_of_range_is_named(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        requantize(*arguments)  # type: ignore[arg-type]


def test_a_clamp_out_of_range_or_order_is_named() -> None:
    with pytest.raises(ValueError, match=r"low must be a 8-bit signed code, .* but is -129"):
        requantize([1], 1, 0, low=-129)
    with pytest.raises(ValueError, match=r"high must be a 8-bit signed code, .* but is 128"):
        requantize([1], 1, 0, high=128)
    with pytest.raises(ValueError, match="low is 3 and high 2"):
        requantize([1], 1, 0, low=3, high=2)


def test_a_float_accumulator_is_refused() -> None:
    with pytest.raises(TypeError, match="acc must be integers, not float64"):
        requantize([1.0], 1, 0)


def scalar_sum(a: int, ma: int, b: int, mb: int, shift: int, zero: int, rounding: str) -> int:
    return clamped(zero + rounded(Fraction(a * ma + b * mb, 1 << shift), rounding), -128, 127)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
def test_sum_of_every_small_operand(rounding: str) -> None:
    a, b = np.arange(-16, 16), np.arange(-16, 16)[:, None]
    multiplier = np.array([0, 1, 3, 7])[:, None, None]
    shift = np.arange(4)[:, None, None, None]
    expected = elementwise(
        lambda p, m, q, s: scalar_sum(p, m, q, 5, s, -2, rounding), a, multiplier, b, shift
    )
    result = requantize_sum(a, multiplier, b, 5, shift, -2, rounding)
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("rounding", ONE_ROUNDING)
def test_sum_of_every_edge(rounding: str) -> None:
    grid = np.array(
        list(product(EDGE_ACCS, EDGE_MULTIPLIERS, [-(1 << 17), -1, 0, 1 << 17], EDGE_SHIFTS))
    )
    a, m, b, s = grid.T
    for multiplier_b in (0, 1, MAX_MULTIPLIER):
        expected = elementwise(
            lambda p, k, q, t, mb=multiplier_b: scalar_sum(p, k, q, mb, t, 1, rounding), a, m, b, s
        )
        assert np.array_equal(requantize_sum(a, m, b, multiplier_b, s, 1, rounding), expected)


def test_sum_rounds_once() -> None:
    # 0.5 + 0.5 is 1; rounded apart, half up, it would be 2.
    assert requantize_sum([1], 1, [1], 1, 1).tolist() == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1 << 31], 1, [0], 1, 0), "a must lie in"),
        (([0], 1, [(1 << 17) + 1], 1, 0), r"b must lie in -131072\.\.131072, but 131073"),
        (([0], 1, [0], 1 << 31, 0), "multiplier must lie in"),
        (([0], 1, [0], 1, 63), "shift must lie in"),
        (([0], 1, [0], 1, 0, 0, "tflite"), "no 'tflite' mode"),
    ],
)
def test_sum_names_a_value_out_of_range(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        requantize_sum(*arguments)  # type: ignore[arg-type]
