from fractions import Fraction

import numpy as np
import pytest

from bitwright.compress import Range, decode, encode
from bitwright.compress.methods.calibration import activation_quantization
from bitwright.compress.methods.rounding import fit_grid
from bitwright.compress.scales import (
    at_shift,
    clamp_codes,
    encode_weight,
    paired_multipliers,
    quantize_weight,
)
from bitwright.network import Quantization

INF = float("inf")


@pytest.mark.parametrize(
    ("seen", "bits", "scale", "zero_point"),
    [
        (Range(0.0, 255.0), 8, 1.0, -128),
        (Range(-255.0, 0.0), 8, 1.0, 127),
        (Range(-100.0, 155.0), 8, 1.0, -28),
        (Range(5.0, 255.0), 8, 1.0, -128),
        (Range(-255.0, -5.0), 8, 1.0, 127),
        (Range(0.0, 15.0), 4, 1.0, -8),
        (Range(0.0, 0.0), 8, 1.0, -128),
    ],
    ids=["relu", "negative", "both", "far from 0", "far below 0", "4 bits", "zero"],
)
def test_asymmetric_uses_every_code(seen, bits, scale, zero_point):
    found = activation_quantization(seen, bits, symmetric=False)
    assert found == Quantization(scale=scale, zero_point=zero_point, bits=bits)


@pytest.mark.parametrize(
    ("seen", "bits", "scale"),
    [
        (Range(0.0, 254.0), 8, 2.0),
        (Range(-254.0, 10.0), 8, 2.0),
        (Range(0.0, 7.0), 4, 1.0),
        (Range(0.0, 0.0), 8, 1.0),
    ],
    ids=["relu", "negative", "4 bits", "zero"],
)
def test_symmetric_has_zero_point_zero(seen, bits, scale):
    found = activation_quantization(seen, bits, symmetric=True)
    assert found == Quantization(scale=scale, zero_point=0, bits=bits)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("seen", [Range(-0.3, 1.7), Range(0.0, 0.9), Range(-2.0, 0.0)])
def test_zero_and_both_ends_have_codes_nearby(seen, symmetric):
    q = activation_quantization(seen, 8, symmetric)
    values = np.array([0.0, seen.low, seen.high])
    back = decode(encode(values, q), q)
    assert back[0] == 0.0
    # Where the zero point is rounded, an end lies up to half a step outside.
    assert np.all(np.abs(back - values) <= 0.5001 * q.scale)


SOURCE = Quantization(scale=0.5, zero_point=3)
OUTPUT = Quantization(scale=0.25)


def test_weight_codes_are_nearest_per_channel():
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3))
    found = quantize_weight(weight, np.array([1.0, -2.0, 0.0, 3.0]), SOURCE, OUTPUT, 8)
    scale = np.abs(weight).max(axis=(1, 2, 3)) / 127
    assert np.array_equal(np.abs(found.codes).max(axis=(1, 2, 3)), [127] * 4)
    error = found.codes * scale[:, None, None, None] - weight
    assert np.all(np.abs(error) <= 0.5000001 * scale[:, None, None, None])
    assert found.step.tolist() == (scale * 0.5).tolist()
    assert found.bias.tolist() == [
        round(b / s) for b, s in zip([1, -2, 0, 3], found.step, strict=True)
    ]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weight_never_takes_the_least_code(bits):
    weight = np.array([[-1.0, 0.6, -0.2]])
    found = quantize_weight(weight, np.zeros(1), SOURCE, OUTPUT, bits)
    assert found.codes.min() == -(2 ** (bits - 1) - 1)


@pytest.mark.parametrize("weight", [0.0, 1e-30, 1e-300], ids=["zero", "tiny", "tinier"])
def test_dead_channel_keeps_its_bias(weight):
    found = quantize_weight(np.full((2, 5), weight), np.array([1.5, -20.0]), SOURCE, OUTPUT, 8)
    assert np.array_equal(found.codes, np.zeros((2, 5)))
    np.testing.assert_allclose(found.bias * found.step, [1.5, -20.0], rtol=1e-7)
    assert np.abs(found.bias).max() <= 2**30


def test_dead_channel_without_bias_is_zero():
    found = quantize_weight(np.zeros((1, 5)), np.zeros(1), SOURCE, OUTPUT, 8)
    assert (found.codes.tolist(), found.bias.tolist()) == ([[0] * 5], [0])
    assert found.step[0] == OUTPUT.scale * 2.0**-24


def test_bias_beyond_the_accumulator_coarsens_the_step():
    found = quantize_weight(np.full((1, 1), 1e-6), np.array([1e6]), SOURCE, OUTPUT, 8)
    assert found.bias[0] == 2**30
    assert found.bias[0] * found.step[0] == pytest.approx(1e6)


@pytest.mark.parametrize(
    ("ratio", "shift", "expected"),
    [(0.5, 1, 1), (0.25, 1, 1), (0.75, 1, 2), (0.24, 1, 0), (0.49999999999999994, 0, 0)],
)
def test_multiplier_under_a_shift_rounds_half_up(ratio, shift, expected):
    assert at_shift(ratio, shift) == expected


def test_paired_multipliers_share_the_shift_of_the_first():
    first, second, shift = paired_multipliers(np.array([0.01, 0.3]), 1.7, 16)
    for m, r, s, ratio in zip(first, second, shift, [0.01, 0.3], strict=True):
        assert 2**15 <= m < 2**16
        assert abs(Fraction(int(m), 2 ** int(s)) - Fraction(ratio)) <= Fraction(
            1, 2 ** (int(s) + 1)
        )
        assert abs(Fraction(int(r), 2 ** int(s)) - Fraction(1.7)) <= Fraction(1, 2 ** (int(s) + 1))


def test_shift_gives_way_to_the_second_multiplier():
    first, second, shift = paired_multipliers(np.array([2.0**-20, 0.5]), 3.0, 16)
    assert shift.tolist() == [29, 16]
    assert second.tolist() == [3 << 29, 3 << 16]
    assert first.tolist() == [1 << 9, 1 << 15]


def test_second_multiplier_just_below_the_limit():
    ratio = (2**31 - 1) / 2**20
    _, second, shift = paired_multipliers(np.array([2.0**-20]), ratio, 16)
    assert (second[0], shift[0]) == (2**31 - 1, 20)
    _, second, shift = paired_multipliers(np.array([2.0**-20]), 2.0**11, 16)
    assert (second[0], shift[0]) == (2**30, 19)


def test_scales_that_no_multiplier_joins():
    with pytest.raises(ValueError, match="differ by a factor of 1e"):
        paired_multipliers(np.array([0.5]), 1e10, 16)


@pytest.mark.parametrize(
    ("low", "high", "zero_point", "expected"),
    [
        (-INF, INF, 3, (-128, 127)),
        (0.0, INF, 3, (3, 127)),
        (0.0, 6.0, -100, (-100, -76)),
        (0.0, 6.0, -128, (-128, -104)),
        (-1.0, 1.0, 0, (-4, 4)),
        (-0.125, 0.125, 0, (0, 1)),
        (-100.0, 100.0, 0, (-128, 127)),
        (40.0, 50.0, 0, (127, 127)),
    ],
    ids=["none", "relu", "relu6", "relu6 low", "hardtanh", "ties", "wide", "above"],
)
def test_clamp_codes(low, high, zero_point, expected):
    assert clamp_codes(low, high, Quantization(scale=0.25, zero_point=zero_point)) == expected


def test_encode_saturates_and_rounds_to_even():
    q = Quantization(scale=2.0, zero_point=1, bits=4)
    assert encode([-100, -1, 1, 3, 5, INF], q).tolist() == [-8, 1, 1, 3, 3, 7]


def test_encode_refuses_nan():
    with pytest.raises(ValueError, match=r"NaN at index \(1,\)"):
        encode([0.0, np.nan], OUTPUT)


def test_encode_treats_float32_as_float64():
    x = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    q = Quantization(scale=0.0123)
    assert np.array_equal(encode(x, q), encode(x.astype(np.float64), q))


def test_weights_on_a_grid_keep_their_codes():
    grid = fit_grid(np.array([[0.7, -0.2], [3.0, 1.0]]), "int4")
    weight = grid.round(np.array([[0.7, -0.2], [3.0, 1.0]]))
    found = encode_weight(weight, np.array([1.0, -2.0]), SOURCE, OUTPUT, grid)
    assert found.codes.tolist() == [[7, -2], [7, 2]]
    assert found.bits == 4
    assert found.step == pytest.approx(grid.scale * SOURCE.scale)


def test_a_channel_too_fine_for_its_bias_keeps_its_values():
    """A dead channel's weights are next to nothing; its bias is what it gives."""
    weight = np.array([[7e-12, 1e-12], [7.0, 1.0]])
    grid = fit_grid(weight, "int4")
    bias = np.array([5.0, 5.0])
    found = encode_weight(grid.round(weight), bias, SOURCE, OUTPUT, grid)
    assert np.abs(found.bias).max() <= 1 << 30
    assert found.bias * found.step == pytest.approx(bias, rel=1e-6)
    assert found.codes.tolist() == [[0, 0], [7, 1]]
