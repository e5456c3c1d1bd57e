import math
from fractions import Fraction

import numpy as np
import pytest
from tests.arith.oracle import rounded

from bitwright.arith import quantize_multiplier


def scalar(real: float, bits: int) -> tuple[int, int]:
    """The largest shift in 0..62 at which the nearest multiplier stays below 2^bits."""
    for shift in range(62, -1, -1):
        multiplier = rounded(Fraction(real) * (1 << shift), "half_up")
        if multiplier < 1 << bits:
            return (multiplier, shift) if multiplier else (0, 0)
    raise AssertionError(real)


REALS = [
    1.0, 0.5, 2.0, 1 / 3, 2 / 3, 0.1, math.pi, 1e-3, 1e-9, 1e-18, 1e-19, 2.0**-62, 2.0**-63,
    math.nextafter(2.0**-63, 0), 1.5 * 2.0**-62, 5e-324, 0.0,
    math.nextafter(1.0, 0), math.nextafter(1.0, 2), 1 - 2.0**-32, 1 - 2.0**-31, 1 - 2.0**-33,
    1 + 2.0**-31, 1 + 3 * 2.0**-31,
]  # fmt: skip


@pytest.mark.parametrize(
    ("real", "bits"),
    [(r, b) for b in (1, 2, 8, 16, 24, 31) for r in REALS if r < 2**b - 0.5],
)
def test_it_is_the_nearest_of_the_finest_shift(real: float, bits: int) -> None:
    assert quantize_multiplier(real, bits) == scalar(real, bits)


@pytest.mark.parametrize("bits", range(1, 32))
def test_every_width_for_random_reals(bits: int) -> None:
    rng = np.random.default_rng(bits)
    for real in np.exp2(rng.uniform(-66, bits - 1, 100)):
        assert quantize_multiplier(float(real), bits) == scalar(float(real), bits)


@pytest.mark.parametrize("real", [r for r in REALS if r >= 2.0**-32])
def test_the_top_bit_is_set_where_the_shift_allows(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    assert 0 <= shift <= 62


def test_rounding_up_to_a_new_bit_takes_a_smaller_shift() -> None:
    assert quantize_multiplier(math.nextafter(1.0, 0), 8) == (128, 7)


def test_arrays_are_elementwise() -> None:
    reals = np.array([[r, r / 7] for r in REALS])
    multiplier, shift = quantize_multiplier(reals)
    assert multiplier.dtype == shift.dtype == np.int64
    assert multiplier.shape == reals.shape
    pairs = [list(quantize_multiplier(float(real))) for real in reals.flat]
    assert np.stack([multiplier, shift], -1).reshape(-1, 2).tolist() == pairs


def test_scalars_are_python_integers() -> None:
    multiplier, shift = quantize_multiplier(0.3)
    assert type(multiplier) is int
    assert type(shift) is int


def test_the_largest_that_fits_is_taken_and_the_next_refused() -> None:
    assert quantize_multiplier(255.25, 8) == (255, 0)
    with pytest.raises(ValueError, match=r"must stay below 2\^8, .* but 255\.5 does not comply"):
        quantize_multiplier(255.5, 8)


@pytest.mark.parametrize("real", [-1.0, -0.1, math.nan, math.inf, -math.inf])
def test_what_is_no_scale_is_refused(real: float) -> None:
    with pytest.raises(ValueError, match=rf"must be finite and not negative, but {real!r}"):
        quantize_multiplier(real)


def test_the_first_bad_channel_is_located() -> None:
    with pytest.raises(ValueError, match=r"-2\.0 at index \(1,\)"):
        quantize_multiplier(np.array([1.0, -2.0]))


@pytest.mark.parametrize("bits", [0, 32])
def test_width_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match=rf"bits must lie in 1\.\.31, but is {bits}"):
        quantize_multiplier(0.5, bits)
