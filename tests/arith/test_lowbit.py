from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import rational

from bitwright.arith import parse

BINARY, TERNARY = parse("binary"), parse("ternary")


def mean(magnitudes: list[Fraction]) -> Fraction:
    return sum(magnitudes, Fraction(0)) / len(magnitudes)


def magnitudes(x: NDArray[np.floating]) -> list[Fraction]:
    return [abs(Fraction(v)) for v in x.ravel().tolist() if abs(v) != inf]


def test_binary_is_plus_one_from_zero_up() -> None:
    encoded = BINARY.encode([3.0, 0.0, -0.0, -1e-45, -inf])
    assert encoded.codes.tolist() == [1, 1, 1, 0, 0]
    assert encoded.decode().tolist() == [1, 1, 1, -1, -1]
    assert BINARY.values().tolist() == [-1, 1]
    assert encoded.pack().tolist() == [0b00111]


@pytest.mark.parametrize("seed", range(3), ids="seed{}".format)
@pytest.mark.parametrize("channel_axis", [None, 0, 1, 2, -1])
def test_ternary_threshold_and_scale_are_exact(channel_axis: int | None, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(4, 5, 6)).astype(np.float32)
    scope = "tensor" if channel_axis is None else "channel"
    encoded = TERNARY.encode(x, scale=scope, channel_axis=channel_axis)
    assert np.array_equal(
        TERNARY.quantize(x, scale=scope, channel_axis=channel_axis), encoded.decode()
    )
    unscaled = TERNARY.quantize(x, channel_axis=channel_axis)
    assert np.array_equal(unscaled, encoded.codes)
    for c in range(1 if channel_axis is None else x.shape[channel_axis]):
        part = x if channel_axis is None else x.take(c, channel_axis)
        codes = encoded.codes if channel_axis is None else encoded.codes.take(c, channel_axis)
        limit = Fraction(7, 10) * mean(magnitudes(part))
        kept = [m for m in magnitudes(part) if m > limit]
        expected = [
            0 if abs(Fraction(v)) <= limit else (1 if v > 0 else -1) for v in part.ravel().tolist()
        ]
        assert codes.ravel().tolist() == expected
        scale = float(encoded.shared.scale.ravel()[c])
        assert Fraction(scale) == rational.float32_round(mean(kept))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_magnitude_at_the_threshold_becomes_zero(dtype: type[np.floating]) -> None:
    # The mean of 7 and 13 is 10, and 0.7 of it is 7; in floats, 0.7 * 10 is 7 as well, but 0.7 is
    # not 7/10: scaled by 3 it is 21 against 21.0 or 20.999999.
    for scale in (1, 3, 2.0**-100, 1e6):
        x = np.array([7, -13], dtype) * dtype(scale)
        assert TERNARY.quantize(x).tolist() == [0, -1]
        assert TERNARY.encode(x, scale="tensor").shared.scale == abs(x[1])  # only the kept count
        x[0] = np.nextafter(x[0], dtype(inf))
        assert TERNARY.quantize(x).tolist() == [1, -1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20), ids="seed{}".format)
def test_hard_numbers_have_exact_means(seed: int, dtype: type[np.floating]) -> None:
    x = rational.numbers(np.random.default_rng(seed), 1, 50, dtype)[0]
    exact = magnitudes(x)
    encoded = BINARY.encode(x, scale="tensor")
    wanted = float(mean(exact)) if any(exact) else 1.0
    if dtype == np.float32 and any(exact):
        wanted = float(rational.float32_round(mean(exact)))
    assert float(encoded.shared.scale) == max(wanted, np.finfo(dtype).tiny)
    limit = Fraction(7, 10) * mean(exact)
    kept = [abs(v) == inf or abs(Fraction(v)) > limit for v in x.tolist()]
    assert (TERNARY.encode(x).codes != 0).tolist() == kept


def test_the_mean_does_not_depend_on_order() -> None:
    x = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    scales = {
        float(BINARY.encode(y, scale="tensor").shared.scale) for y in (x, x[::-1], np.sort(x))
    }
    assert len(scales) == 1


@pytest.mark.parametrize("fmt", [BINARY, TERNARY], ids=str)
def test_zeros_have_scale_one(fmt: object) -> None:
    for scope in ("tensor", "channel"):
        encoded = fmt.encode(np.zeros((2, 2)), scale=scope)  # type: ignore[attr-defined]
        assert (encoded.shared.scale == 1).all()
    x = [[0.0, 0.0], [2.0, -2.0]]  # a zero channel beside another
    assert fmt.encode(x, scale="channel").shared.scale.tolist() == [[1], [2]]  # type: ignore[attr-defined]


def test_given_scales() -> None:
    assert BINARY.quantize([5.0, -5.0], scale=0.25).tolist() == [0.25, -0.25]
    by_channel = BINARY.quantize(np.ones((2, 2)), scale=[1, 3], channel_axis=1)
    assert by_channel.tolist() == [[1, 3]] * 2
    assert TERNARY.quantize([5.0, -5.0, 0.1], scale=2).tolist() == [2, -2, 0]


def test_ternary_has_three_codes() -> None:
    assert TERNARY.values().tolist() == [-1, 0, 1]
    assert TERNARY.encode([1.0, -1.0, 0.0]).pack().tolist() == [0b00_11_01]
    with pytest.raises(ValueError, match=r"ternary codes must lie in -1\.\.1, but -2"):
        TERNARY.unpack([0b10], (1,))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "row"}, "unknown scale 'row'; accepted: a number, .* tensor, channel"),
        ({"scale": "tensor", "channel_axis": 0}, "scale 'tensor' has no channel_axis"),
        ({"scale": 0}, r"scale must be positive and normal in float64, but is 0\.0"),
        ({"scale": -1.0}, r"but is -1\.0"),
        ({"scale": nan}, "scale is NaN"),
        ({"scale": [1.0, 1.0]}, "scale must be a number unless channel_axis is given"),
        ({"scale": [1.0], "channel_axis": 0}, r"scale must have shape \(2,\)"),
        ({"scale": "channel", "channel_axis": 2}, r"channel_axis must lie in -2\.\.1"),
    ],
)
@pytest.mark.parametrize("fmt", [BINARY, TERNARY], ids=str)
def test_bad_options_are_named(fmt: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fmt.encode(np.ones((2, 3)), **options)  # type: ignore[attr-defined]
