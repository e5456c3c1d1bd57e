"""Block formats against the rational definition, block by block."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import midpoints, rational

from bitwright.arith import parse

PRESETS = ["bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16"]
MX = ["mxfp8_e5m2", "mxfp8_e4m3", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4_e2m1", "mxint8"]
EDGES = ["bfp2_b7", "bfp16_b3", "bm_e1m1_b4", "bm_e5m2_b8", "bm_e8m2_b16", "bl2_b4", "bl5_b1"]
BLOCK_FORMATS = [*PRESETS, *MX, *EDGES]
FLOATS = [np.float32, np.float64]


def check_against_rational(
    name: str, block: int, rows: int, columns: int, dtype: type[np.floating], seed: int
) -> None:
    fmt = parse(name)
    x = rational.numbers(np.random.default_rng(seed), rows, columns, dtype)
    encoded = fmt.encode(x)
    values = fmt.quantize(x)
    largest = float(np.finfo(dtype).max)
    assert np.array_equal(bits_of(values), bits_of(encoded.decode()))
    for i in range(rows):
        for b, start in enumerate(range(0, columns, block)):
            part = slice(start, start + block)
            expected = rational.encode(name, x[i, part].tolist(), largest)
            where = f"row {i}, block {b}: {x[i, part].tolist()}"
            assert encoded.shared.exponents[i, b] == expected.exponent, where
            assert encoded.codes[i, part].tolist() == expected.codes, where
            assert [Fraction(v) for v in values[i, part].tolist()] == expected.values, where


def bits_of(values: NDArray[np.floating]) -> NDArray[np.integer]:
    return values.view(f"i{values.dtype.itemsize}")


@pytest.mark.parametrize("seed", [1], ids="seed{}".format)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_blocks_are_as_defined(name: str, dtype: type[np.floating], seed: int) -> None:
    block = parse(name).block  # type: ignore[attr-defined]
    columns = 3 * block + block // 2 + 1  # a short last block
    check_against_rational(name, block, 2000 // block + 80, columns, dtype, seed)


def check_against_midpoints(name: str, x: NDArray[np.float32]) -> None:
    expected = midpoints.encode(name, x)
    encoded, values = parse(name).encode(x), parse(name).quantize(x)
    assert np.array_equal(encoded.shared.exponents[:, 0], expected.exponents)
    assert np.array_equal(encoded.codes, expected.codes)
    assert np.array_equal(values, expected.values)
    assert np.array_equal(bits_of(values), bits_of(encoded.decode()))


@pytest.mark.parametrize("seed", [3], ids="seed{}".format)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_many_blocks_fall_between_the_midpoints(name: str, seed: int) -> None:
    block = parse(name).block  # type: ignore[attr-defined]
    check_against_midpoints(
        name, rational.numbers(np.random.default_rng(seed), 5000, block, np.float32)
    )


MANY_SEEDS = range(10, 20)


def many_blocks(name: str, seed: int) -> NDArray[np.float32]:
    """10^5 blocks: hard rows, each also scaled by powers of two that leave it in range."""
    rng = np.random.default_rng(seed)
    block = parse(name).block  # type: ignore[attr-defined]
    x = rational.numbers(rng, 20_000, block, np.float32)
    with np.errstate(over="ignore"):
        scaled = [np.ldexp(rng.permuted(x, axis=1), rng.integers(-60, 60)) for _ in range(4)]
    return np.concatenate([x, *scaled]).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY_SEEDS, ids="seed{}".format)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_a_million_blocks_fall_between_the_midpoints(name: str, seed: int) -> None:
    check_against_midpoints(name, many_blocks(name, seed))


@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_both_definitions_agree(name: str) -> None:
    block = parse(name).block  # type: ignore[attr-defined]
    x = rational.numbers(np.random.default_rng(4), 40, block, np.float32)
    fast = midpoints.encode(name, x)
    for i, row in enumerate(x.tolist()):
        slow = rational.encode(name, row, float(np.finfo(np.float32).max))
        assert fast.exponents[i] == slow.exponent
        assert fast.codes[i].tolist() == slow.codes
        assert [Fraction(v) for v in fast.values[i].tolist()] == slow.values


JUST_BELOW = np.float32(2.0**20 * (1 - 2.0**-24))


@pytest.mark.parametrize(
    ("name", "exponent"),
    [("bfp8_b16", 19), ("bm_e4m3_b16", 19), ("bl8_b16", 20), ("mxfp8_e4m3", 11), ("mxint8", 19),
     ("mxfp8_e5m2", 4), ("mxfp6_e3m2", 15), ("mxfp6_e2m3", 17), ("mxfp4_e2m1", 17)],
)  # fmt: skip
def test_the_exponent_just_below_a_power_of_two_is_that_of_the_bits(
    name: str, exponent: int
) -> None:
    # A float32 logarithm rounds log2(2^20 (1 - 2^-24)) to 20.
    for x in (JUST_BELOW, np.float64(2.0**20 * (1 - 2.0**-53))):
        assert parse(name).encode(np.array([x])).shared.exponents.tolist() == [exponent]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_shared_exponents_saturate_at_both_ends(name: str, dtype: type[np.floating]) -> None:
    info = np.finfo(dtype)
    fmt = parse(name)
    huge = fmt.encode(np.array([info.max], dtype))
    tiny = fmt.encode(np.array([info.smallest_subnormal], dtype))
    top = int(np.frexp(fmt.max)[1]) - 1
    assert huge.shared.exponents.tolist() == [127 if dtype == np.float64 else 127 - top]
    assert huge.decode().tolist() == [fmt.max * 2.0 ** huge.shared.exponents[0]]
    assert tiny.shared.exponents.tolist() == [-127]


@pytest.mark.parametrize("dtype", FLOATS)
def test_mxint8_leaves_minus_two_unused_where_float32_lacks_it(dtype: type[np.floating]) -> None:
    fmt = parse("mxint8")
    x = np.array([-(2.0**127) * 1.999, 2.0**127], dtype)
    assert fmt.encode(x).codes.tolist() == [-127, 64]
    assert fmt.encode(x / 2).codes.tolist() == [-128, 64]
    assert fmt.encode(np.array([-np.inf], dtype)).codes.tolist() == [-127]


def test_the_greatest_of_a_block_minifloat_lies_in_the_top_binade() -> None:
    # An inverted bias would put it into the lowest.
    encoded = parse("bm_e4m3_b16").encode([24.0, 1.0])
    assert encoded.shared.exponents.tolist() == [4]
    assert encoded.codes.tolist() == [0b0_1111_100, 0b0_1011_000]
    assert encoded.decode().tolist() == [24.0, 1.0]


def test_the_top_code_of_a_block_logarithm_is_nearest_in_value() -> None:
    fmt = parse("bl3_b4")
    for greatest, exponent in [(1.4, 0), (1.5, 1), (1.6, 1), (2.9, 1), (3.0, 2)]:
        assert fmt.encode([greatest]).shared.exponents.tolist() == [exponent]
    # Nearest in value and not in the logarithm, whose midpoint is sqrt(2): 1.45 is nearer to 1.
    assert fmt.quantize([2.0, 1.45, 0.74]).tolist() == [2.0, 1.0, 0.5]
    subnormals = np.float32([1.4 * 2.0**-127, 1.5 * 2.0**-127])
    assert [int(fmt.encode(x).shared.exponents[0]) for x in subnormals] == [-127, -126]


@pytest.mark.parametrize("name", ["bfp8_b16", "bm_e4m3_b16", "bl8_b16", "mxfp4_e2m1"])
def test_the_sign_of_zero_is_kept(name: str) -> None:
    encoded = parse(name).encode([0.0, -0.0, 1.0, -1e-30])
    assert np.signbit(encoded.decode()).tolist() == [False, True, False, True]
    sign = 1 << (parse(name).bits - 1)
    assert encoded.codes[:2].tolist() == [0, sign]


def test_mxint8_has_one_zero() -> None:
    assert not np.signbit(parse("mxint8").quantize([-0.0, -1e-9, 1.0])).any()


def test_shared_bytes_are_biased_by_127() -> None:
    encoded = parse("bfp4_b2").encode([[1.0, 0.5, 0.0], [4.0, -8.0, 2.0**-127]])
    assert encoded.format.pack_shared(encoded.shared).tolist() == [127, 0, 130, 0]
    codes = [0b0100, 0b0010, 0, 0b0010, 0b1100 & 0b1111, 0b0100]
    assert encoded.codes.ravel().tolist() == codes
    assert encoded.pack().tolist() == [0x24, 0x20, 0x4C, 127, 0, 130, 0]
    with pytest.raises(ValueError, match=r"a shared exponent is a byte in 0\.\.254, but 255"):
        encoded.unpack([0, 0, 0, 127, 0, 255, 0])
    with pytest.raises(ValueError, match="4 shared exponents are 4 bytes, but data has 3"):
        encoded.unpack([0, 0, 0, 127, 0, 127])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_shared_exponents_lie_along_the_axis(axis: int) -> None:
    x = np.random.default_rng(5).normal(size=(5, 6, 7)).astype(np.float32)
    encoded = parse("bfp6_b4").encode(x, axis)
    shape = [5, 6, 7]
    shape[axis] = 2
    assert encoded.shared.exponents.shape == tuple(shape)
    first, rest = np.split(np.abs(x), [4], axis)
    greatest = np.concatenate([part.max(axis, keepdims=True) for part in (first, rest)], axis)
    assert np.array_equal(encoded.shared.exponents, np.frexp(greatest)[1] - 1)
