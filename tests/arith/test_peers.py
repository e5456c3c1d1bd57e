"""Independent witnesses: ml_dtypes and gfloat, wherever they have the format.

Every code's value, and what every number near a decision is rounded to. Where a peer differs, a
test of its own says how; docs/formats.md lists them.
"""

import re
from collections.abc import Callable

import gfloat
import ml_dtypes
import numpy as np
import pytest
from gfloat import BlockFormatInfo, Domain, FormatInfo, RoundMode, formats
from numpy.typing import NDArray
from tests.arith import rational

from bitwright.arith import Format, parse
from bitwright.arith.exponents import power, unpack_exponents
from bitwright.arith.scalar import Float

ML_DTYPES = {
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}
OCP = {
    "fp8_e4m3": formats.format_info_ocp_e4m3,
    "fp8_e5m2": formats.format_info_ocp_e5m2,
    "e3m2": formats.format_info_ocp_e3m2,
    "e2m3": formats.format_info_ocp_e2m3,
    "e2m1": formats.format_info_ocp_e2m1,
}
FINITE = [name for name in Float.names() if parse(name).bits <= 10]
WIDE = ["e5m10", "e8m7", "e1m14", "e8m6"]


def finite(exponent_bits: int, mantissa_bits: int, bias: int) -> FormatInfo:
    """gfloat's description of a minifloat without infinity and NaN."""
    return FormatInfo(
        f"e{exponent_bits}m{mantissa_bits}",
        1 + exponent_bits + mantissa_bits,
        1 + mantissa_bits,
        bias=bias,
        is_signed=True,
        domain=Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )


def described(name: str) -> FormatInfo:
    exponent, mantissa = map(int, re.findall(r"\d+", name))
    return finite(exponent, mantissa, 2 ** (exponent - 1) - 1)


GFLOAT = OCP | {name: described(name) for name in [*FINITE, *WIDE] if name not in OCP}
BLOCKS = {info.name: info for info in formats.all_block_formats} | {
    # An element without an exponent field is a sign and a magnitude; its top binade is 1..2.
    f"bfp{width}_b16": BlockFormatInfo(
        f"bfp{width}", finite(0, width - 1, 0), 16, formats.format_info_ocp_e8m0
    )
    for width in (3, 4, 6, 8, 12)
} | {
    f"bm_e{e}m{m}_b{k}": BlockFormatInfo(
        f"bm_e{e}m{m}", finite(e, m, 2**e - 1), k, formats.format_info_ocp_e8m0
    )
    for e, m, k in ((4, 3, 16), (2, 1, 8), (5, 2, 4))
}  # fmt: skip


def same(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Equal in value and in the sign of zero; NaNs are equal."""
    return ((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))


def decisive(fmt: Format[None], dtype: type[np.floating]) -> NDArray[np.floating]:
    """Every value, every midpoint, half a step beyond the ends, and the neighbours of all."""
    values = np.unique(np.abs(fmt.values()[np.isfinite(fmt.values())]))
    middles = (values[:-1] + values[1:]) / 2
    beyond = values[-1] + np.array([0.5, 1, 4]) * (values[-1] - values[-2])
    points = np.concatenate([values, middles, beyond])
    points = points[points < np.finfo(dtype).max].astype(dtype)
    around = [points, np.nextafter(points, dtype(0)), np.nextafter(points, dtype(np.inf))]
    positive = np.concatenate(around)
    return np.concatenate([positive, -positive])


def patterns(seed: int, count: int = 200_000) -> NDArray[np.float32]:
    """Random bit patterns of float32, NaN left out: of every exponent, with infinities."""
    bits = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32)
    x = bits.view(np.float32)
    return np.concatenate([x[~np.isnan(x)], np.float32([np.inf, -np.inf, 0.0, -0.0])])


def cast(x: NDArray[np.floating], dtype: type) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Codes and values of ml_dtypes."""
    with np.errstate(all="ignore"):
        found = x.astype(dtype)
    return found.view(np.uint8), found.astype(np.float64)


def check_against_ml_dtypes(name: str, x: NDArray[np.float32]) -> None:
    codes, values = cast(x, ML_DTYPES[name])
    ours = parse(name).encode(x)
    agree = np.isfinite(values)
    assert np.array_equal(ours.codes[agree], codes[agree])
    assert same(ours.decode(), values)[agree].all()
    # Where it gives no number, ours saturates: nowhere else.
    assert (np.abs(x[~agree]) > parse(name).max).all()
    assert np.array_equal(ours.decode()[~agree], np.copysign(parse(name).max, x[~agree]))


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_gives_every_code_the_same_value(name: str) -> None:
    fmt = parse(name)
    codes = np.arange(1 << fmt.bits, dtype=np.uint8)
    assert same(codes.view(ML_DTYPES[name]).astype(np.float64), fmt.values()).all()


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_rounds_every_tie_and_its_neighbours_alike(name: str) -> None:
    check_against_ml_dtypes(name, decisive(parse(name), np.float32))


@pytest.mark.parametrize("seed", [1, 2, 3], ids="seed{}".format)
@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_rounds_random_patterns_alike(name: str, seed: int) -> None:
    check_against_ml_dtypes(name, patterns(seed))


def test_ml_dtypes_e8m0_is_our_stored_exponent() -> None:
    stored = np.arange(255, dtype=np.uint8)
    exponents = unpack_exponents(stored, (255,))
    theirs = stored.view(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    assert np.array_equal(power(exponents, np.dtype(np.float64)), theirs)


@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2"])
def test_ml_dtypes_does_not_saturate_fp8_and_ours_does(name: str) -> None:
    fmt = parse(name)
    # Half a step above the greatest: the tie is even down in e4m3 (0x7e), up in e5m2 (0x7c).
    tie = np.float32({"fp8_e4m3": 464, "fp8_e5m2": 61440}[name])
    x = np.array([tie, np.nextafter(tie, np.float32(np.inf)), 1e30, np.inf], np.float32)
    _, theirs = cast(x, ML_DTYPES[name])
    beyond = np.nan if name == "fp8_e4m3" else np.inf
    first = 448 if name == "fp8_e4m3" else np.inf
    assert same(theirs, np.array([first, beyond, beyond, beyond])).all()
    assert fmt.quantize(x).tolist() == [fmt.max] * 4


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_encodes_nan_and_ours_refuses_it(name: str) -> None:
    _, theirs = cast(np.float32([np.nan]), ML_DTYPES[name])
    assert np.isnan(theirs[0]) if name.startswith("fp8") else theirs[0] == 0
    with pytest.raises(ValueError, match="x is NaN at index"):
        parse(name).encode([np.nan])


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_rounds_float64_twice_and_ours_once(name: str) -> None:
    # By way of float32 a number just above a tie becomes the tie, which goes to the even code 0.
    fmt = parse(name)
    just_above = np.nextafter(fmt.min_step / 2, np.inf)
    assert cast(np.array([just_above]), ML_DTYPES[name])[1] == [0]
    assert fmt.quantize(just_above) == fmt.min_step


def test_ml_dtypes_rounds_to_the_nearest_e8m0_and_ours_takes_the_exponent() -> None:
    # A scale is no rounded amax: of a block up to 1.75 it is 1, and of ml_dtypes' cast 2.
    x = np.float32([1.0, 1.75, 2.0])
    assert cast(x, ml_dtypes.float8_e8m0fnu)[1].tolist() == [1, 2, 2]
    assert [int(parse("mxint8").encode(v).shared.exponents[0]) for v in x] == [0, 0, 1]


def check_against_gfloat(name: str, x: NDArray[np.float64]) -> None:
    info, ours = GFLOAT[name], parse(name).encode(x)
    theirs = gfloat.round_ndarray(info, x, RoundMode.TiesToEven, sat=True)
    assert same(ours.decode(), theirs).all()
    assert np.array_equal(ours.codes, gfloat.encode_ndarray(info, theirs))


@pytest.mark.parametrize("name", GFLOAT)
def test_gfloat_gives_every_code_the_same_value(name: str) -> None:
    fmt = parse(name)
    theirs = gfloat.decode_ndarray(GFLOAT[name], np.arange(1 << fmt.bits))
    assert same(theirs, fmt.values()).all()


@pytest.mark.parametrize("name", GFLOAT)
def test_gfloat_rounds_every_tie_and_its_neighbours_alike(name: str) -> None:
    for dtype in (np.float32, np.float64):
        check_against_gfloat(name, decisive(parse(name), dtype).astype(np.float64))


@pytest.mark.parametrize("seed", [4], ids="seed{}".format)
@pytest.mark.parametrize("name", GFLOAT)
def test_gfloat_rounds_random_patterns_alike(name: str, seed: int) -> None:
    check_against_gfloat(name, patterns(seed, 20_000).astype(np.float64))


def theirs_by_block(info: BlockFormatInfo, x: NDArray[np.floating]) -> NDArray[np.float64]:
    quantize: Callable[..., NDArray[np.float64]] = gfloat.quantize_block
    return np.stack([quantize(info, row, gfloat.compute_scale_amax) for row in x])


@pytest.mark.parametrize("name", BLOCKS)
def test_gfloat_gives_every_code_of_a_blocks_element_the_same_value(name: str) -> None:
    fmt, info = parse(name), BLOCKS[name]
    codes = np.arange(1 << fmt.bits)
    signed = np.where(codes > fmt.code_high, codes - (1 << fmt.bits), codes) - fmt.code_low
    assert same(gfloat.decode_ndarray(info.etype, codes), fmt.values()[signed]).all()


@pytest.mark.parametrize("seed", [5, 6], ids="seed{}".format)
@pytest.mark.parametrize("name", BLOCKS)
def test_gfloat_quantizes_blocks_alike(name: str, seed: int) -> None:
    info = BLOCKS[name]
    x = rational.numbers(np.random.default_rng(seed), 150, info.k, np.float32).astype(np.float64)
    x = np.where(np.isinf(x) | (np.abs(x) >= 2.0**127), 1.0, x)
    assert same(parse(name).quantize(x), theirs_by_block(info, x)).all()


@pytest.mark.parametrize("name", [name for name in BLOCKS if name.startswith("mx")])
def test_gfloat_takes_the_wrong_exponent_below_powers_of_two_in_float32(name: str) -> None:
    # log2(2^20 (1 - 2^-24)) is 20 in float32. In float64 it is not, and then gfloat is right.
    x = np.full((1, 32), 2.0**20 * (1 - 2.0**-24), np.float32)
    emax = int(np.frexp(parse(name).max)[1]) - 1
    scale = gfloat.compute_scale_amax(BLOCKS[name].etype.emax, x[0])
    assert scale == 2.0 ** (20 - emax)
    assert parse(name).encode(x).shared.exponents.tolist() == [[19 - emax]]
    assert same(theirs_by_block(BLOCKS[name], x.astype(np.float64)), parse(name).quantize(x)).all()


def test_gfloat_has_a_value_of_mxint8_that_float32_lacks() -> None:
    x = np.zeros((1, 32))
    x[0, 0] = -1.999 * 2.0**127
    assert theirs_by_block(BLOCKS["mxint8"], x)[0, 0] == -(2.0**128)
    assert parse("mxint8").quantize(x)[0, 0] == -127 / 64 * 2.0**127


def test_gfloat_takes_the_greatest_scale_beside_infinity_and_ours_the_greatest_float() -> None:
    x = np.zeros((1, 32), np.float32)
    x[0, :2] = np.inf, 2.0**100
    with np.errstate(invalid="ignore"):
        theirs = theirs_by_block(BLOCKS["mxfp8_e4m3"], x.astype(np.float64))
    assert theirs[0, 0] == 448 * 2.0**127
    assert parse("mxfp8_e4m3").quantize(x)[0, 0] == 448 * 2.0**119
