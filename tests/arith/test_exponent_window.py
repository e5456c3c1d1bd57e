from fractions import Fraction

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith import ExponentWindow, encode_within, parse
from bitwright.arith.exponents import GREATEST, LEAST

FORMATS = ["bfp8_b16", "bfp4_b3", "bm_e4m3_b16", "bl4_b8", "mxfp8_e5m2", "mxfp4_e2m1", "mxint8"]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMATS)
def test_blocks_are_nearest_under_the_clamped_exponent(
    name: str, dtype: type[np.floating], axis: int
) -> None:
    fmt = parse(name)
    rng = np.random.default_rng(1)
    sizes = 2.0 ** rng.integers(-12, 12, (40, 1)) * fmt.max
    x = (rng.normal(size=(40, 37)) * sizes).astype(dtype)
    x[3] = 0
    window = ExponentWindow(-4, 3)
    turned = x if axis == 1 else x.T
    found = encode_within(fmt, turned, window, axis=axis)
    elements, _ = rational.definition(name)
    natural = fmt.encode(turned, axis=axis).shared.exponents
    exponents = found.encoded.shared.exponents
    assert np.array_equal(exponents, natural.clip(-4, 3))
    assert found.saturated == np.count_nonzero(natural > 3) > 0
    codes = found.encoded.codes if axis == 1 else found.encoded.codes.T
    per_row = exponents if axis == 1 else exponents.T
    for (i, j), number in np.ndenumerate(x):
        scale = Fraction(2) ** int(per_row[i, j // fmt.block])  # type: ignore[attr-defined]
        code, _ = elements.nearest(Fraction(float(number)) / scale, bool(np.signbit(number)))
        assert codes[i, j] == code, (i, j)


@pytest.mark.parametrize("name", FORMATS)
def test_the_widest_window_changes_nothing(name: str) -> None:
    fmt = parse(name)
    x = rational.numbers(np.random.default_rng(2), 60, 35, np.float32)
    found = encode_within(fmt, x, ExponentWindow())
    assert np.array_equal(found.encoded.codes, fmt.encode(x).codes)
    assert found.saturated == 0


def test_rows_of_several_tiles_are_clamped_block_by_block() -> None:
    fmt = parse("bfp8_b16")
    x = np.random.default_rng(3).normal(size=(2, 70_000)).astype(np.float32)
    x *= np.repeat(2.0 ** (np.arange(70_000 // 16) % 5), 16)
    window = ExponentWindow(-1, 0)
    whole = encode_within(fmt, x, window).encoded
    for start in range(0, 70_000, 16 * 125):
        part = encode_within(fmt, x[:, start : start + 16 * 125], window).encoded
        assert np.array_equal(whole.codes[:, start : start + 16 * 125], part.codes)


def test_a_block_of_zeros_has_the_least_exponent_and_is_no_event() -> None:
    found = encode_within(parse("bfp8_b4"), np.zeros(8), ExponentWindow(-3, -2))
    assert found.encoded.shared.exponents.tolist() == [-3, -3]
    assert not found.encoded.codes.any()
    assert found.saturated == 0


@pytest.mark.parametrize(("low", "high"), [(1, 0), (LEAST - 1, 0), (0, GREATEST + 1)])
def test_impossible_windows_are_refused(low: int, high: int) -> None:
    with pytest.raises(
        ValueError, match=rf"within|must lie in -127\.\.127, but is {low}\.\.{high}"
    ):
        ExponentWindow(low, high)
