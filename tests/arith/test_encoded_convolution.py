"""`conv2d` of encoded arrays against the law in rationals, six loops and the taps inside."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import rational_dots

from bitwright.arith import Encoded, conv2d, encoded_convolution, parse

PAIRS = [
    ("int8", "int8", None),
    ("uint4", "ternary", None),
    ("binary", "binary", None),
    ("fix8.7", "codebook16", None),
    ("fp8_e4m3", "fix8.7", None),
    ("fp8_e5m2", "fp8_e4m3", None),
    ("e5m2", "e5m2", -8),
    ("pow8", "int8", -3),
    ("bfp8_b4", "bfp8_b4", -6),
    ("bfp8_b4", "bfp4_b2", -6),
    ("bm_e4m3_b4", "int8", -2),
    ("bl8_b2", "bl8_b2", -5),
    ("mxint8", "mxfp4_e2m1", -7),
    ("nvfp4", "nvfp4", 0),
]


def encoded(name: str, shape: tuple[int, ...], seed: int) -> Encoded[Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) * 2.0 ** rng.integers(-3, 3, (*shape[:2], 1, 1))
    return parse(name).encode(x.astype(np.float32), axis=1)


def expected(
    x: Encoded[Any],
    w: Encoded[Any],
    lsb: int | None,
    bias: NDArray[np.int64],
    *,
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    groups: int,
) -> NDArray[np.object_]:
    a, b = rational_dots.numbers(x), rational_dots.numbers(w)
    images, _, height, width = a.values.shape
    outputs, depth, kh, kw = b.values.shape
    together = rational_dots.rounded_together(a, b, depth * kh * kw, lsb)
    unit = a.step * b.step if lsb is None else Fraction(2) ** lsb
    top, left, bottom, right = padding
    rows = (height + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    columns = (width + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    result = np.zeros((images, outputs, rows, columns), object)
    for n, o, oy, ox in np.ndindex(result.shape):
        first = o // (outputs // groups) * depth
        acc = int(bias[o])
        xs: list[Fraction] = []
        ws: list[Fraction] = []
        for i, j in product(range(kh), range(kw)):
            y = oy * stride[0] + i * dilation[0] - top
            z = ox * stride[1] + j * dilation[1] - left
            if 0 <= y < height and 0 <= z < width:
                xs += list(a.values[n, first : first + depth, y, z])
                ws += list(b.values[o, :, i, j])
        result[n, o, oy, ox] = acc + rational_dots.dot(xs, ws, together, unit, run=depth)
    return result


@pytest.mark.parametrize(("name_x", "name_w", "lsb"), PAIRS)
def test_it_is_the_law_tap_by_tap(name_x: str, name_w: str, lsb: int | None) -> None:
    x, w = encoded(name_x, (2, 10, 5, 4), 1), encoded(name_w, (3, 10, 3, 2), 2)
    geometry = {"stride": (2, 1), "padding": (1, 0, 2, 1), "dilation": (1, 2), "groups": 1}
    bias = np.array([5, 0, -7])
    found = conv2d(x, w, bias, lsb=lsb, **geometry)
    assert np.array_equal(found.acc, expected(x, w, lsb, bias, **geometry))
    assert np.abs(found.acc).max() <= found.bound


@pytest.mark.parametrize(("name_x", "name_w", "lsb"), [p for p in PAIRS if p[0] != "mxint8"][:-1])
def test_groups_have_channels_of_their_own(name_x: str, name_w: str, lsb: int | None) -> None:
    x, w = encoded(name_x, (2, 8, 4, 4), 1), encoded(name_w, (6, 4, 3, 3), 2)
    geometry = {"stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "groups": 2}
    bias = np.zeros(6, np.int64)
    found = conv2d(x, w, bias, lsb=lsb, **geometry)
    assert np.array_equal(found.acc, expected(x, w, lsb, bias, **geometry))


def test_the_bound_sees_the_weights_of_every_group() -> None:
    pixels = np.repeat([10.0, 20.0], 2 * 2 * 2).reshape(1, 4, 2, 2)
    x = parse("int8").encode(pixels, scale=1.0)
    for rows, most in (([1.0, 100.0], 20 * 100), ([100.0, 1.0], 10 * 100)):
        w = np.repeat(rows, 2 * 2 * 4).reshape(4, 2, 2, 2)
        found = conv2d(x, parse("int8").encode(w, scale=1.0), groups=2)
        assert found.bound == found.acc.max() == 2 * 4 * most


def test_images_in_several_chunks_are_those_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = encoded("bfp8_b4", (5, 8, 6, 6), 1), encoded("bfp8_b4", (4, 8, 3, 3), 2)
    whole = conv2d(x, w, padding=1, lsb=-6).acc
    monkeypatch.setattr(encoded_convolution, "_CHUNK", 2 * 9 * 8 * 36)
    assert np.array_equal(conv2d(x, w, padding=1, lsb=-6).acc, whole)


def test_padding_contributes_nothing_where_zero_is_no_code() -> None:
    x, w = (
        parse("binary").encode(np.ones((1, 3, 1, 1))),
        parse("binary").encode(np.ones((1, 3, 3, 3))),
    )
    assert conv2d(x, w, padding=1).acc.item() == 3
    x = parse("uint4").encode(np.ones((1, 3, 1, 1)), scale=1, zero_point=7)
    assert conv2d(x, w, padding=1).acc.item() == 3


def test_the_scales_of_outputs_broadcast() -> None:
    rng = np.random.default_rng(0)
    x = parse("int8").encode(rng.normal(size=(2, 3, 4, 4)))
    w = parse("int8").encode(rng.normal(size=(5, 3, 1, 1)), channel_axis=0)
    exact = np.einsum("nchw,oc->nohw", x.decode(), w.decode()[:, :, 0, 0])
    assert np.allclose(conv2d(x, w).decode(), exact)


def test_wide_integers_are_split_into_exact_halves() -> None:
    fmt = parse("fix31.0")
    rng = np.random.default_rng(0)
    x = fmt.encode(rng.integers(-(1 << 29), 1 << 29, (1, 2, 3, 3)))
    w = fmt.encode(rng.integers(-(1 << 29), 1 << 29, (2, 2, 1, 1)), axis=1)
    exact = np.einsum(
        "nchw,oc->nohw", x.codes.astype(object), w.codes[:, :, 0, 0].astype(object), optimize=False
    )
    assert np.array_equal(conv2d(x, w).acc, exact)


def test_what_a_window_cannot_add_is_refused() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 6, 4, 4)), rng.normal(size=(2, 3, 3, 3))
    bfp, int8 = parse("bfp8_b4"), parse("int8")
    with pytest.raises(ValueError, match=r"must not straddle groups, but 4 does not divide the 3"):
        conv2d(bfp.encode(x, axis=1), bfp.encode(w, axis=1), groups=2, lsb=0)
    with pytest.raises(ValueError, match=r"blocks of x .* run along axis 3, but axis 1"):
        conv2d(bfp.encode(x), bfp.encode(w, axis=1), groups=2, lsb=0)
    with pytest.raises(ValueError, match=r"scale of x \(int8\) must be one per tensor or per im"):
        conv2d(int8.encode(x, channel_axis=2), int8.encode(w), groups=2)
    with pytest.raises(ValueError, match=r"scale of x \(int8\) changes along axis 1"):
        conv2d(int8.encode(x, channel_axis=1), int8.encode(w), groups=2)
    with pytest.raises(ValueError, match="x_zero_point is for integers"):
        conv2d(int8.encode(x), int8.encode(w), groups=2, x_zero_point=1)  # type: ignore[call-overload]
