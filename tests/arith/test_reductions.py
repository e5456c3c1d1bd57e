from fractions import Fraction

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith.reductions import exact_sum, finite_extremes, sums
from bitwright.arith.scales import ceil_float, floor_float, nearest_float
from bitwright.arith.tiles import Scratch


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20), ids="seed{}".format)
def test_sums_are_exact(seed: int, dtype: type[np.floating]) -> None:
    x = rational.numbers(np.random.default_rng(seed), 4, 300, dtype)
    totals, counts = sums(x, 0)
    for row, total, count in zip(x.tolist(), totals, counts, strict=True):
        finite = [Fraction(abs(v)) for v in row if abs(v) != np.inf]
        assert (total, count) == (sum(finite), len(finite))
    assert sums(x, None) == ([sum(totals)], [sum(counts)])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_over_the_whole_range_of_float64_is_exact(sign: int) -> None:
    exponents = np.arange(-1074, 1024, 7)
    x = np.ldexp(1.0, exponents) * np.where(exponents % 3 == 0, sign, 1)
    assert exact_sum(x.copy(), Scratch()) == sum(Fraction(v) for v in x.tolist())


@pytest.mark.parametrize("value", [1.0, 1 + 2.0**-23, 3.4e38, 1e-45, 0.1])
def test_a_full_tile_of_equal_numbers_sums_exactly(value: float) -> None:
    x = np.full((3, 1 << 15), value, np.float32)
    assert sums(x, None) == ([Fraction(float(x[0, 0])) * x.size], [x.size])


@pytest.mark.parametrize("channel_axis", [None, 0, 1, 2])
def test_extremes_leave_out_infinities(channel_axis: int | None) -> None:
    x = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    x[0, 1, 2], x[3, 2, 1] = np.inf, -np.inf
    low, high = finite_extremes(x, channel_axis)
    axes = None if channel_axis is None else tuple(i for i in range(3) if i != channel_axis)
    kept = np.where(np.isfinite(x), x, 0)
    assert np.array_equal(low, kept.min(axis=axes, keepdims=axes is not None))
    assert np.array_equal(high, kept.max(axis=axes, keepdims=axes is not None))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_numbers_round_to_floats(dtype: type[np.floating]) -> None:
    kind = np.dtype(dtype)
    info = np.finfo(dtype)
    for value in [dtype(1), info.tiny, info.max / 2, info.smallest_subnormal, dtype(0.1)]:
        low, high = Fraction(float(value)), Fraction(float(np.nextafter(value, dtype(np.inf))))
        bits = int(value.view(f"i{kind.itemsize}"))
        for part, nearest in [(0, low), (1, low), (2, low if bits % 2 == 0 else high), (3, high)]:
            exact = low + (high - low) * part / 4
            assert Fraction(float(nearest_float(exact, kind))) == nearest
            assert Fraction(float(floor_float(exact, kind))) == low
            assert Fraction(float(ceil_float(exact, kind, strict=False))) == (high if part else low)
            assert Fraction(float(ceil_float(exact, kind, strict=True))) == high
    assert floor_float(Fraction(10) ** 400, kind) == info.max
