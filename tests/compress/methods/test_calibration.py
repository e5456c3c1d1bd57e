"""Ranges by search: against brute force, and against what each method is for."""

import numpy as np
import pytest

from bitwright.arith import Integer
from bitwright.compress.methods.calibration import (
    Divergence,
    Histogram,
    Range,
    activation_quantization,
    count,
    divergence_range,
    minmax_range,
    mse_range,
)
from bitwright.compress.methods.calibration.divergence import (
    compared,
    jensen_shannon,
    symmetric_kl,
)
from bitwright.compress.methods.calibration.search import BINS, candidates


def histogram(values):
    over = Range(float(values.min()), float(values.max()))
    return Histogram(over, count(values, over))


def values_of(kind):
    rng = np.random.default_rng(5)
    normal = rng.normal(size=20_000)
    return {"relu": np.maximum(normal, 0), "signed": normal, "shifted": normal + 0.8}[kind]


def error(values, tried, bits, symmetric):
    q = activation_quantization(tried, bits, symmetric)
    codes = Integer(bits).encode(values, scale=q.scale, zero_point=q.zero_point).codes
    return np.square(q.scale * (codes.astype(np.int64) - q.zero_point) - values).mean()


@pytest.mark.parametrize("kind", ["relu", "signed", "shifted"])
@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_least_error_is_that_of_brute_force(kind, symmetric, bits):
    """Every range is tried on the values themselves, one after the other."""
    values = values_of(kind)
    seen = histogram(values)
    tried = candidates(seen.folded(BINS), bits, symmetric).ranges
    errors = [error(values, one, bits, symmetric) for one in tried]
    found = error(values, mse_range(seen, bits, symmetric), bits, symmetric)
    # The search knows values to a part of the histogram: within a hundredth of the best.
    assert found <= 1.01 * min(errors)
    assert found < 0.999 * error(values, minmax_range(seen), bits, symmetric) or bits == 8


def test_least_error_of_values_that_are_codes_is_none():
    values = np.arange(-8, 8.0)
    assert activation_quantization(mse_range(histogram(values), 4, False), 4, False).scale == 1.0


@pytest.mark.parametrize("divergence", list(Divergence))
@pytest.mark.parametrize("symmetric", [True, False])
def test_divergences_leave_a_lone_extreme_out(divergence, symmetric):
    values = np.concatenate([values_of("relu"), [60.0]])
    found = divergence_range(histogram(values), 4, symmetric, divergence)
    assert 1.5 < found.high < 8


@pytest.mark.parametrize("divergence", list(Divergence))
def test_zeros_of_a_relu_do_not_matter(divergence):
    values = values_of("relu")
    many = np.concatenate([values, np.zeros(100_000)])
    assert divergence_range(histogram(values), 4, False, divergence) == divergence_range(
        histogram(many), 4, False, divergence
    )


def test_histograms_by_hand():
    """0 .. 8 in 8 parts, codes 0 .. 3: the widest range gives each code two or three parts."""
    seen = Histogram(Range(0.0, 8.0), np.array([4, 2, 0, 6, 1, 3, 5, 7]))
    tried = candidates(seen, 2, False)
    whole = len(tried.ranges) - 1
    assert tried.codes()[whole].tolist() == [0, 1, 1, 1, 2, 2, 2, 3]
    p, q = (rows[whole] * 28 for rows in compared(tried))
    assert p == pytest.approx([4, 2, 0, 6, 1, 3, 5, 7])
    # Spread over the parts that are not empty: 8 over two, 9 over three.
    assert q == pytest.approx([4, 4, 0, 4, 3, 3, 3, 7])
    half = next(n for n, one in enumerate(tried.ranges) if one.high == 3.0)
    p, q = (rows[half] for rows in compared(tried))
    # 0.5, 1.5, 2.5 and 3.5 are within half a step of a code; the rest is counted at the end.
    assert p[:4] == pytest.approx(np.array([4, 2, 0, 22]) / 28, abs=1e-3)
    assert q[:4] == pytest.approx(np.array([4, 2, 0, 6]) / 12, abs=1e-3)


def test_divergences_by_hand():
    p, q = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.75, 0.0]])
    assert symmetric_kl(p, q)[0] == pytest.approx(0.25 * np.log(3))
    assert symmetric_kl(p, q) == symmetric_kl(q, p)
    assert jensen_shannon(p, p)[0] == 0
    assert jensen_shannon(p, q)[0] == pytest.approx(jensen_shannon(q, p)[0])


def test_searches_take_a_constant_as_it_is():
    for values in (np.zeros(10), np.full(10, 3.0), np.full(10, -3.0)):
        for found in (
            mse_range(histogram(values), 4, False),
            divergence_range(histogram(values), 4, False),
        ):
            assert min(found.low, 0) <= min(values[0], 0) + 0.1
            assert max(found.high, 0) >= max(values[0], 0) - 0.1
