import numpy as np
import pytest

from bitwright.arith import Fixed, Format, Integer, parse
from bitwright.arith.catalogue import FAMILIES

NAMES = [name for family in FAMILIES for name in family.names()]
EXTREME = [
    "fix2.-96", "fix32.96", "ufix1.-1", "ufix8.12", "fix4.-3", "bfp9_b1", "bm_e4m3_b65536",
    "bl3_b7", "codebook2_int16", "codebook256_ufix8.-3",
]  # fmt: skip


@pytest.mark.parametrize("names", [NAMES, EXTREME], ids=["every", "extreme"])
def test_a_name_parses_to_the_format_that_prints_it(names: list[str]) -> None:
    assert [str(parse(name)) for name in names] == names


def test_every_name_is_a_format_of_its_own() -> None:
    formats = {parse(name) for name in NAMES}
    assert len(formats) == len(NAMES) == len(set(NAMES))


def test_equal_formats_compare_and_hash_equal() -> None:
    assert parse("int8") == Integer(8)
    assert hash(parse("fix8.7")) == hash(Fixed(8, 7))
    assert parse("uint8") != parse("int8")
    assert parse("fix8.0") != parse("int8")
    assert {parse("int8"): 1}[Integer(8)] == 1


def test_formats_are_immutable() -> None:
    with pytest.raises(AttributeError):
        parse("int8").bits = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "int17",
            r"impossible format 'int17': .* N in 2\.\.16, but N is 17; nearest valid: int16,",
        ),
        ("uint1", r"N in 2\.\.16, but N is 1; nearest valid: uint2,"),
        ("int0", "nearest valid: int2,"),
        ("fix33.3", r"fix<N>\.<F> has N in 2\.\.32, but N is 33; nearest valid: fix32\.3,"),
        ("fix1.0", r"N in 2\.\.32, but N is 1; nearest valid: fix2\.0,"),
        ("ufix0.0", r"ufix<N>\.<F> has N in 1\.\.32, but N is 0"),
        ("fix8.97", r"F in -96\.\.96, but F is 97"),
        ("ufix8.-97", r"F in -96\.\.96, but F is -97"),
        ("INT8", "unknown format 'INT8'; nearest valid: int8"),
        ("int 8", "unknown format 'int 8'; nearest valid: int8"),
        ("int08", "unknown format 'int08'; nearest valid: int8"),
        ("+int8", "nearest valid: int8"),
        ("int8\n", "unknown format 'int8.n'"),
        ("int", "unknown format 'int'; nearest valid: int"),
        ("fix8", r"unknown format 'fix8'; nearest valid: fix8\."),
        ("fix8.-0", "unknown format"),
        ("", "unknown format ''; nearest valid: "),
        ("float13", r"families: int<N> and uint<N> \(N 2\.\.16\)"),
        ("e9m3", r"E in 1\.\.8, but E is 9; nearest valid: e8m3,"),
        ("e4m12", r"M in 0\.\.11 \(16 bits with the sign\), but M is 12; nearest valid: e3m12,"),
        ("e0m3", r"E in 1\.\.8, but E is 0; nearest valid: e1m3,"),
        ("fp8_e3m4", "unknown format 'fp8_e3m4'; nearest valid: fp8_e"),
        ("dmf_e4m1", r"M in 2\.\.11 .* but M is 1; nearest valid: dmf_e4m2,"),
        ("bfp17_b16", r"N in 2\.\.16, but N is 17; nearest valid: bfp16_b16,"),
        ("bfp1_b16", r"but N is 1; nearest valid: bfp2_b16,"),
        ("bfp8_b0", r"K in 1\.\.65536, but K is 0; nearest valid: bfp8_b8,"),
        ("bfp8", r"unknown format 'bfp8'; nearest valid: bfp8_b"),
        ("bm_e4m3", r"unknown format 'bm_e4m3'; nearest valid: bm_e4m3_b"),
        ("bm_e9m3_b16", r"E in 1\.\.8, but E is 9; nearest valid: bm_e8m3_b16,"),
        ("bl9_b16", r"N in 2\.\.8, but N is 9; nearest valid: bl8_b16,"),
        ("pow9", r"N in 2\.\.8, but N is 9; nearest valid: pow8,"),
        ("mxfp8_e4m4", "unknown format 'mxfp8_e4m4'; nearest valid: mxfp8_e"),
        ("mxfp4", "unknown format 'mxfp4'; nearest valid: mxfp4_e2m1"),
        ("nvfp8", "unknown format 'nvfp8'; nearest valid: nvfp4"),
        ("ternery", "unknown format 'ternery'; nearest valid: ternary"),
    ],
)
def test_a_bad_name_lists_the_nearest_valid(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(name)


def test_what_is_no_string_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a string, not int"):
        parse(8)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "bits", "least", "greatest", "step"),
    [
        ("int2", 2, -2, 1, 1),
        ("int8", 8, -128, 127, 1),
        ("uint8", 8, 0, 255, 1),
        ("int16", 16, -32768, 32767, 1),
        ("fix8.7", 8, -1, 127 / 128, 1 / 128),
        ("ufix8.8", 8, 0, 255 / 256, 1 / 256),
        ("fix4.-2", 4, -32, 28, 4),
        ("fix4.6", 4, -1 / 8, 7 / 64, 1 / 64),
        ("ufix1.0", 1, 0, 1, 1),
        ("fix32.0", 32, -(2**31), 2**31 - 1, 1),
    ],
)
def test_range_and_step(name: str, bits: int, least: float, greatest: float, step: float) -> None:
    fmt = parse(name)
    assert (fmt.bits, fmt.min, fmt.max, fmt.min_step) == (bits, least, greatest, step)
    assert fmt.bits_per_element(100) == bits


@pytest.mark.parametrize(
    "name", [n for family in (Integer, Fixed) for n in family.names() if parse(n).bits <= 8]
)
def test_values_are_every_code_in_order(name: str) -> None:
    fmt: Format[object] = parse(name)
    values = fmt.values()
    assert values.dtype == np.float64
    assert len(values) == 1 << fmt.bits
    assert (values[0], values[-1]) == (fmt.min, fmt.max)
    assert set(np.diff(values)) == {fmt.min_step}


def test_values_of_a_wide_format_are_refused() -> None:
    assert len(parse("fix16.3").values()) == 1 << 16
    with pytest.raises(ValueError, match=r"up to 16 bits, not fix17\.3"):
        parse("fix17.3").values()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("int2", "i1"), ("int8", "i1"), ("uint8", "u1"), ("int9", "i2"), ("ufix16.0", "u2"),
     ("fix17.1", "i4"), ("ufix32.1", "u4")],
)  # fmt: skip
def test_codes_have_the_narrowest_type(name: str, dtype: str) -> None:
    fmt = parse(name)
    assert fmt.code_dtype == dtype
    assert fmt.encode([0.0, 1.0]).codes.dtype == dtype
