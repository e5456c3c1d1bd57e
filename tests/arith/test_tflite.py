import math

import numpy as np
import pytest
from tests.arith.oracle import (
    INT32_MAX,
    INT32_MIN,
    divide_by_pot,
    elementwise,
    high_mul,
    requantized,
    tflite_multiply,
)

from bitwright.arith import quantize_multiplier, requantize
from bitwright.arith.tflite import saturating_rounding_doubling_high_mul

EDGES = [INT32_MIN, INT32_MIN + 1, -(1 << 30), -3, -1, 0, 1, 2, 1 << 30, INT32_MAX - 1, INT32_MAX]
MULTIPLIERS = [0, 1 << 30, (1 << 30) + 1, 3 << 29, INT32_MAX - 1, INT32_MAX]


def test_high_mul_of_every_pair_of_edges() -> None:
    a, b = np.array(EDGES), np.array(EDGES)[:, None]
    assert np.array_equal(saturating_rounding_doubling_high_mul(a, b), elementwise(high_mul, a, b))


def test_high_mul_around_every_tie_of_both_signs() -> None:
    # a b = (k + 1/2) 2^31 + d 2^8, for a b of either sign: ties and their neighbours.
    a = np.array([(2 * k + 1) * (1 << 22) + d for k in range(-8, 8) for d in (-1, 0, 1)])
    assert np.array_equal(
        saturating_rounding_doubling_high_mul(a, 1 << 8), elementwise(high_mul, a, 1 << 8)
    )


def test_the_only_saturating_product_is_int32_min_squared() -> None:
    assert saturating_rounding_doubling_high_mul(INT32_MIN, INT32_MIN) == INT32_MAX
    assert saturating_rounding_doubling_high_mul(INT32_MIN, INT32_MIN + 1) == INT32_MAX
    assert saturating_rounding_doubling_high_mul(INT32_MIN, INT32_MAX) == -INT32_MAX


def test_requantize_refuses_the_multiplier_of_that_corner() -> None:
    with pytest.raises(
        ValueError, match=r"multiplier must lie in 0\.\.2147483647, but -2147483648"
    ):
        requantize([INT32_MIN], INT32_MIN, 31, rounding="tflite", bits=32)


@pytest.mark.parametrize("shift", range(63))
def test_every_edge_at_every_shift(shift: int) -> None:
    acc, multiplier = np.array(EDGES), np.array(MULTIPLIERS)[:, None]
    expected = elementwise(lambda a, m: tflite_multiply(a, m, 31 - shift), acc, multiplier)
    expected = np.clip(expected, INT32_MIN, INT32_MAX)
    result = requantize(acc, multiplier, shift, rounding="tflite", bits=32)
    assert np.array_equal(result, expected)


def test_every_11_bit_accumulator_by_every_right_shift() -> None:
    # The high multiplier 2^31-1 keeps acc as it is but for its first rounding.
    acc, shift = np.arange(-(1 << 10), 1 << 10), np.arange(31, 63)[:, None]
    expected = elementwise(lambda a, s: tflite_multiply(a, INT32_MAX, 31 - s), acc, shift)
    assert np.array_equal(requantize(acc, INT32_MAX, shift, rounding="tflite", bits=32), expected)


@pytest.mark.parametrize("seed", [0, 1, 2], ids="seed{}".format)
def test_random_channels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    acc = rng.integers(-(1 << 18), 1 << 18, (3, 6, 50))
    multiplier = rng.integers(1 << 30, 1 << 31, (6, 1))
    shift = rng.integers(40, 46, (6, 1))
    expected = elementwise(
        lambda a, m, s: requantized(a, m, s, -9, "tflite", -128, 127), acc, multiplier, shift
    )
    result = requantize(acc, multiplier, shift, -9, "tflite")
    assert np.array_equal(result, expected)
    assert len(np.unique(result)) > 50


def test_it_rounds_twice() -> None:
    # 4095.5 / 2^13 is just below a half, but 4095.5 becomes 4096 first: a tie, away from zero.
    multiplier, shift = 1 << 30, 44
    acc = 8191
    assert requantize([acc], multiplier, shift, rounding="half_up").tolist() == [0]
    assert requantize([acc], multiplier, shift, rounding="tflite").tolist() == [1]


def test_a_left_shift_saturates_where_the_published_code_is_undefined() -> None:
    result = requantize([1 << 20, -(1 << 20)], 1 << 30, 31 - 12, rounding="tflite", bits=32)
    assert result.tolist() == [1 << 30, -(1 << 30)]  # INT32_MAX / 2 rounds up to 2^30


@pytest.mark.parametrize("multiplier", [1, (1 << 30) - 1])
def test_a_multiplier_below_31_bits_is_refused(multiplier: int) -> None:
    with pytest.raises(ValueError, match=rf"'tflite' needs multipliers 0 or .* got {multiplier}"):
        requantize([1], multiplier, 31, rounding="tflite")


@pytest.mark.parametrize("exponent", range(32))
def test_division_by_a_power_of_two_is_half_away(exponent: int) -> None:
    # The oracle's own transcription against the definition, so that neither is wrong alone.
    for x in EDGES:
        magnitude = (abs(x) + ((1 << exponent) >> 1)) >> exponent
        assert divide_by_pot(x, exponent) == (magnitude if x >= 0 else -magnitude)


def tflite_quantize_multiplier(real: float) -> tuple[int, int]:
    """TensorFlow Lite's QuantizeMultiplier: (multiplier, 31 - its shift)."""
    if real == 0.0:
        return 0, 31
    q, shift = math.frexp(real)
    q_fixed = math.floor(q * (1 << 31) + 0.5)  # std::round of a positive number
    if q_fixed == 1 << 31:
        q_fixed //= 2
        shift += 1
    if shift < -31:
        return 0, 31
    return q_fixed, 31 - shift


@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
def test_quantize_multiplier_gives_tflites_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for real in np.exp2(rng.uniform(-31, 30, 500)):
        assert quantize_multiplier(float(real)) == tflite_quantize_multiplier(float(real))
