from fractions import Fraction

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith.exponents import (
    floor_exponent,
    nearest_exponent,
    pack_exponents,
    power,
    unpack_exponents,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exponents_are_exact_around_every_power_of_two(dtype: type[np.floating]) -> None:
    points = np.ldexp(dtype(1), np.arange(-149, 128)).astype(dtype)
    points = np.concatenate([points, points * dtype(1.5)])
    points = points[np.isfinite(points)]
    x = np.concatenate(
        [points, np.nextafter(points, dtype(0)), np.nextafter(points, dtype(np.inf))]
    )
    x = x[(x > 0) & np.isfinite(x)]
    for value, floor, nearest in zip(
        x.tolist(), floor_exponent(x).tolist(), nearest_exponent(x).tolist(), strict=True
    ):
        exact = Fraction(value)
        # Below 2^-127, where shared exponents end, any lower one will do.
        assert max(floor, -127) == max(rational.floor_log2(exact), -127)
        assert max(nearest, -127) == max(rational.nearest_log2(exact), -127)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_has_an_exponent_below_all(dtype: type[np.floating]) -> None:
    zero = np.zeros(1, dtype)
    assert floor_exponent(zero) <= -127
    assert nearest_exponent(zero) <= -127


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers(dtype: type[np.floating]) -> None:
    exponents = np.arange(-127, 128)
    exact = [rational.TWO**e for e in exponents.tolist()]
    powers = power(exponents, np.dtype(dtype))
    assert powers.dtype == dtype
    assert [Fraction(v) for v in powers.tolist()] == exact


def test_bytes() -> None:
    exponents = np.arange(-127, 128).reshape(5, 51)
    data = pack_exponents(exponents)
    assert data.tolist() == list(range(255))
    assert np.array_equal(unpack_exponents(data, (5, 51)), exponents)
    for outside in (-128, 128):
        with pytest.raises(ValueError, match=rf"must lie in -127\.\.127, but {outside} does not"):
            pack_exponents(np.array([0, outside]))
