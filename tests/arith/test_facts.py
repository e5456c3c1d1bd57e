"""Facts beside numbers counted from the definitions."""

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith import describe, parse
from bitwright.arith.catalogue import FAMILIES
from bitwright.arith.facts import PRESETS, code_table, fields, pattern

NAMES = [name for names in PRESETS.values() for name in names]
FIELD = {"fix8.7", "e4m3", "dmf_e4m3", "bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16"}


def test_every_family_has_presets_and_the_fields_table_is_among_them() -> None:
    assert set(PRESETS) == set(FAMILIES)
    for family, names in PRESETS.items():
        assert names
        assert all(type(parse(name)) is family and str(parse(name)) == name for name in names)
    assert set(NAMES) >= FIELD


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_those_of_the_values(name: str) -> None:
    fmt = parse(name)
    facts = describe(fmt)
    values = (
        fmt.centroid_format.values() if name.startswith("codebook") else fmt.values()  # type: ignore[attr-defined]
    )
    finite = np.abs(values[np.isfinite(values) & (values != 0)])
    assert facts.least == finite.min()
    assert max(facts.max, -facts.min) == finite.max()
    assert facts.dynamic_range_db == pytest.approx(20 * np.log10(finite.max() / finite.min()))
    assert facts.bits_per_element == fmt.bits_per_element(1024)


@pytest.mark.parametrize(
    ("name", "bits", "greatest", "step", "decibels"),
    [
        ("int8", 8, 127, 1, 42.14),
        ("fix8.7", 8, 127 / 128, 2**-7, 42.14),
        ("e4m3", 8, 480, 2**-9, 107.81),  # 480 / 2^-9 = 15 2^14
        ("dmf_e4m3", 8, 224, 2**-10, 107.21),
        ("bfp8_b16", 8.5, 127 / 64, 2**-6, 42.08),
        ("bm_e4m3_b16", 8.5, 1.875, 2**-17, 107.81),
        ("bl8_b16", 8.5, 1, 2**-126, 758.60),
        ("mxfp4_e2m1", 4.25, 6, 0.5, 21.58),
        ("nvfp4", 4.53125, 6, 0.5, 21.58),
        ("binary", 1, 1, 2, 0),
        ("codebook16", 4.125, 127, 1, 42.14),
    ],
)
def test_facts_worked_out_by_hand(
    name: str, bits: float, greatest: float, step: float, decibels: float
) -> None:
    facts = describe(parse(name))
    assert (facts.name, facts.bits_per_element) == (name, bits)
    assert (facts.max, facts.min_step) == (greatest, step)
    assert facts.dynamic_range_db == pytest.approx(decibels, abs=0.005)


def test_fields_add_up_to_the_width() -> None:
    for name in NAMES:
        assert sum(field.width for field in fields(parse(name))) == parse(name).bits


@pytest.mark.parametrize("name", ["e4m3", "fp8_e5m2", "dmf_e4m3", "bfp4_b16", "mxfp6_e2m3", "pow4"])
def test_code_tables_are_the_definitions(name: str) -> None:
    elements, _ = rational.definition(name)
    table = list(code_table(parse(name)))
    assert [line.code for line in table] == list(range(1 << parse(name).bits))
    for code, value in zip(elements.codes, elements.values, strict=True):
        assert table[code].value == value


def test_twos_complement_is_in_the_order_of_the_bits() -> None:
    table = list(code_table(parse("int2")))
    assert [(line.pattern, line.code) for line in table] == [
        ("00", 0),
        ("01", 1),
        ("10", -2),
        ("11", -1),
    ]


def test_patterns_have_their_fields_apart() -> None:
    assert pattern(parse("fp8_e5m2"), 0xBC) == "1 01111 00"
    assert pattern(parse("bfp4_b16"), 0b1101) == "1 101"
    assert pattern(parse("mxint8"), -1) == "11111111"
    assert pattern(parse("bl4_b16"), 0b1001) == "1 001"


def test_a_code_table_of_many_bits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"up to 16 bits, not fix32\.20"):
        list(code_table(parse("fix32.20")))
