"""Accumulators into formats: against `encode` of exact values, and against rationals beyond it."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import rational

from bitwright.arith import ExponentWindow, encode_accumulators, encode_within, parse

BLOCKS = [
    "bfp8_b16",
    "bfp4_b3",
    "bfp2_b7",
    "bm_e4m3_b16",
    "bm_e2m1_b4",
    "bm_e3m0_b4",
    "bl4_b8",
    "bl8_b16",
    "mxfp8_e5m2",
    "mxfp8_e4m3",
    "mxfp6_e3m2",
    "mxfp6_e2m3",
    "mxfp4_e2m1",
    "mxint8",
]
SCALARS = [
    "e4m3",
    "e5m2",
    "e3m0",
    "fp8_e4m3",
    "fp8_e5m2",
    "dmf_e4m3",
    "fix8.7",
    "ufix5.2",
    "fix16.-3",
]


def accumulators(seed: int, rows: int, bits: int) -> NDArray[np.int64]:
    """All widths, zeros, powers of two, their halves and neighbours: every tie of every element."""
    rng = np.random.default_rng(seed)
    width = rng.integers(1, bits + 1, (rows, 1))
    spread = rng.integers(0, 8, (rows, 37))
    acc = rng.integers(0, 1 << 62, (rows, 37)) >> (62 - np.maximum(width - spread, 0))
    few = rng.random((rows, 1)) < 0.5  # few leading ones: ties
    kept = np.maximum(width - spread - rng.integers(2, 6, (rows, 1)), 0)
    acc = np.where(few, (acc >> kept) << kept, acc)
    acc += rng.integers(-1, 2, acc.shape) * (rng.random(acc.shape) < 0.2)
    acc[rng.random(acc.shape) < 0.1] = 0
    acc[0] = 0
    return acc * rng.choice([-1, 1], acc.shape)


@pytest.mark.parametrize("lsb", [0, -9, 7], ids="lsb{}".format)
@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_those_of_encode(name: str, lsb: int) -> None:
    fmt = parse(name)
    acc = accumulators(1, 400, 50)
    found = encode_accumulators(acc, lsb, fmt)
    wanted = fmt.encode(np.ldexp(acc.astype(np.float64), lsb))
    assert np.array_equal(found.encoded.shared.exponents, wanted.shared.exponents)
    assert np.array_equal(found.encoded.codes, wanted.codes)
    assert found.encoded.codes.dtype == wanted.codes.dtype
    assert found.saturated == 0


@pytest.mark.parametrize("lsb", [0, -9, -20], ids="lsb{}".format)
@pytest.mark.parametrize("name", SCALARS)
def test_elements_are_those_of_encode(name: str, lsb: int) -> None:
    fmt = parse(name)
    acc = accumulators(2, 400, 40)
    found = encode_accumulators(acc, lsb, fmt)
    wanted = fmt.encode(np.ldexp(acc.astype(np.float64), lsb))
    assert np.array_equal(found.encoded.codes, wanted.codes)
    assert np.array_equal(found.encoded.decode(), wanted.decode())


@pytest.mark.parametrize("window", [(-6, 4), (0, 0), (20, 30), (-60, -50)], ids=str)
@pytest.mark.parametrize("name", BLOCKS)
def test_windows_clamp_as_encode_within(name: str, window: tuple[int, int]) -> None:
    fmt: Any = parse(name)
    acc = accumulators(3, 200, 40)
    found = encode_accumulators(acc, -12, fmt, window=ExponentWindow(*window))
    wanted = encode_within(fmt, np.ldexp(acc.astype(np.float64), -12), ExponentWindow(*window))
    assert np.array_equal(found.encoded.codes, wanted.encoded.codes)
    assert np.array_equal(found.encoded.shared.exponents, wanted.encoded.shared.exponents)
    assert found.saturated == wanted.saturated


@pytest.mark.parametrize("seed", [4], ids="seed{}".format)
@pytest.mark.parametrize("name", BLOCKS)
def test_accumulators_of_64_bits_are_exact(name: str, seed: int) -> None:
    fmt: Any = parse(name)
    acc = accumulators(seed, 60, 62)
    acc[1, 0], acc[2, :3] = -(1 << 63), [(1 << 63) - 1, (1 << 54) + 1, (3 << 60) - 1]
    found = encode_accumulators(acc, -30, fmt).encoded
    elements, rule = rational.definition(name)
    assert rule is not None
    for i, row in enumerate(acc):
        for b, start in enumerate(range(0, len(row), fmt.block)):
            exact = [Fraction(int(v), 1 << 30) for v in row[start : start + fmt.block]]
            peak = max(abs(v) for v in exact)
            exponent = rule(peak) if peak else -127
            assert found.shared.exponents[i, b] == exponent
            codes = [elements.nearest(v / Fraction(2) ** exponent, v < 0)[0] for v in exact]
            assert found.codes[i, start : start + fmt.block].tolist() == codes


@pytest.mark.parametrize("name", SCALARS)
def test_what_is_shifted_out_of_the_word_is_zero(name: str) -> None:
    acc = np.array([(1 << 63) - 1, -(1 << 63), 1, 1 << 62])
    for lsb in range(-90, -60):
        found = encode_accumulators(acc, lsb, parse(name)).encoded
        exact = [Fraction(int(v)) * Fraction(2) ** lsb for v in acc]
        values = [float(v) for v in exact]  # rounded far above the ties of these formats
        assert found.codes.tolist() == parse(name).encode(values).codes.tolist(), lsb


def test_blocks_run_along_the_axis_given() -> None:
    acc = accumulators(5, 37, 30)
    fmt = parse("bfp8_b16")
    by_rows = encode_accumulators(acc, 0, fmt).encoded
    by_columns = encode_accumulators(acc.T, 0, fmt, axis=0).encoded
    assert np.array_equal(by_columns.codes, by_rows.codes.T)
    assert np.array_equal(by_columns.decode(), by_rows.decode().T)


def test_the_greatest_exponent_of_mxint8_leaves_its_least_code_unused() -> None:
    acc = np.array([-(1 << 62), 1 << 62])
    found = encode_accumulators(acc, 127 - 62 + 1, parse("mxint8")).encoded
    wanted = parse("mxint8").encode(np.ldexp(acc.astype(np.float64), 66))
    assert found.codes.tolist() == wanted.codes.tolist()


def test_what_has_no_such_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="requantize gives integers with real scales"):
        encode_accumulators([1], 0, parse("int8"))
    with pytest.raises(ValueError, match="e4m3 shares no exponents and takes no window"):
        encode_accumulators([1], 0, parse("e4m3"), window=ExponentWindow())
    with pytest.raises(ValueError, match="lsb must lie in"):
        encode_accumulators([1], 999, parse("e4m3"))
    with pytest.raises(TypeError, match="acc must be integers"):
        encode_accumulators([1.0], 0, parse("e4m3"))
