"""Ratios beside those of exact sums."""

from fractions import Fraction
from itertools import pairwise
from math import inf, log10

import numpy as np
import pytest

from bitwright.arith import compare, parse

X = np.random.default_rng(3).normal(size=(6, 40)).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["int8", "fix8.7", "e4m3", "bfp4_b16", "mxfp4_e2m1", "nvfp4"])
def test_the_ratio_is_that_of_exact_sums(name: str, axis: int) -> None:
    (found,) = compare([parse(name)], X, axis)
    values = parse(name).quantize(X, axis)
    signal = sum(Fraction(float(v)) ** 2 for v in X.ravel())
    pairs = zip(X.ravel().tolist(), values.ravel().tolist(), strict=True)
    noise = sum((Fraction(x) - Fraction(v)) ** 2 for x, v in pairs)
    assert found.sqnr_db == pytest.approx(10 * log10(signal / noise), abs=1e-9)


def test_binary_and_ternary_are_scaled() -> None:
    for name in ("binary", "ternary"):
        (small,) = compare([parse(name)], X / 1000)
        (large,) = compare([parse(name)], X)
        assert small.sqnr_db == pytest.approx(large.sqnr_db, abs=1e-3)
        assert large.sqnr_db > 4


def test_bits_are_those_that_are_stored() -> None:
    # 6 rows of 40: blocks of 16, 16 and 8 along the rows; of 6 along the columns.
    names = ["int8", "bfp4_b16", "nvfp4", "codebook16"]
    along = [q.bits_per_element for q in compare([parse(name) for name in names], X, axis=1)]
    assert along == [8, 4 + 8 * 18 / 240, 4 + (8 * 18 + 32) / 240, 4 + 128 / 240]
    across = [q.bits_per_element for q in compare([parse(name) for name in names], X, axis=0)]
    assert across == [8, 4 + 8 * 40 / 240, 4 + (8 * 40 + 32) / 240, 4 + 128 / 240]


def test_more_bits_are_better() -> None:
    for pattern in ("int{}", "bfp{}_b16", "fix{0}.{0}"):
        ratios = [compare([parse(pattern.format(n))], X / 10)[0].sqnr_db for n in range(3, 14)]
        assert all(5 < b - a < 8 for a, b in pairwise(ratios[2:])), ratios


def test_values_of_the_format_are_exact() -> None:
    (found,) = compare([parse("e4m3")], [1.0, 0.5, -3.25, 448])
    assert found.sqnr_db == inf


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_squares_neither_overflow_nor_vanish(scale: float) -> None:
    (found,) = compare([parse("int8")], X.astype(np.float64) * scale)
    (plain,) = compare([parse("int8")], X.astype(np.float64))
    assert found.sqnr_db == pytest.approx(plain.sqnr_db, abs=1e-3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0.0, np.nan], r"x is NaN at index \(1,\)"),
        ([[0.0, 1.0], [-np.inf, 1.0]], r"x is infinite at index \(1, 0\)"),
        ([0.0, -0.0], "nothing but zeros"),
        ([], "nothing but zeros"),
    ],
    ids=["nan", "infinite", "zeros", "empty"],
)
def test_data_without_a_ratio_are_refused(x: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare([parse("int8")], np.array(x))
