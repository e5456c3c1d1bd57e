"""`bitwright formats`: lists, explains, compares, and says in one line what is wrong."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bitwright.arith import compare, describe, parse
from bitwright.arith.facts import PRESETS
from bitwright.cli.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npy"
    np.save(path, np.random.default_rng(0).normal(size=(8, 48)).astype(np.float32))
    return path


def test_the_list_has_every_preset_with_its_figures(capsys: Captured) -> None:
    assert main(["formats"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("  ")}
    assert list(rows) == [name for names in PRESETS.values() for name in names]
    assert rows["mxfp4_e2m1"] == ["4", "4.25", "6", "0.5", "21.6"]
    assert {family.family for family in PRESETS} <= set(lines)


def test_the_list_as_json_has_the_same_numbers(capsys: Captured) -> None:
    assert main(["formats", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [n for names in PRESETS.values() for n in names]
    for row in rows:
        assert row["dynamic_range_db"] == describe(parse(row["name"])).dynamic_range_db


def cells(printed: str) -> dict[int, str]:
    """Every cell of a printed code table, by its code."""
    table = printed.partition("\n\n")[2].splitlines()
    width = table[0].count("+")
    found = {}
    for line in table[1:]:
        if line.startswith("0x"):
            first = int(line.split()[0], 16)
            found |= {first + n: cell for n, cell in enumerate(line.split()[-width:])}
    return found


@pytest.mark.parametrize(
    "name", ["e4m3", "fp8_e5m2", "int8", "uint4", "bfp8_b16", "bl4_b16", "e3m0", "mxint8", "int2"]
)
def test_the_code_table_has_every_value(name: str, capsys: Captured) -> None:
    assert main(["formats", name]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) < 120
    found, fmt = cells(printed), parse(name)
    halved = "with the sign bit" in printed
    assert len(found) == 1 << (fmt.bits - halved)
    for code, cell in found.items():
        signed = code - (1 << fmt.bits) if code > fmt.code_high else code
        assert cell == f"{fmt.values()[signed - fmt.code_low]:.6g}"


def test_the_code_table_shows_hex_and_bits(capsys: Captured) -> None:
    assert main(["formats", "e4m3"]) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.startswith("0x38"))
    assert row.split() == ["0x38", "0", "0111", "...", "1", "1.125", "1.25", "1.375", "1.5",
                           "1.625", "1.75", "1.875"]  # fmt: skip
    assert "+4 100" in printed


def test_a_pattern_that_is_no_code_is_called_none(capsys: Captured) -> None:
    assert main(["formats", "ternary"]) == 0
    assert cells(capsys.readouterr().out) == {0: "0", 1: "1", 2: "none", 3: "-1"}


@pytest.mark.parametrize(("name", "says"), [("int16", "up to 8 bits"), ("codebook16", "indices")])
def test_why_there_is_no_code_table_is_said(name: str, says: str, capsys: Captured) -> None:
    assert main(["formats", name]) == 0
    assert says in capsys.readouterr().out


def test_one_format_as_json_has_every_code(capsys: Captured) -> None:
    assert main(["formats", "fp8_e4m3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fields"] == {"sign": 1, "exponent": 4, "mantissa": 3}
    assert len(told["codes"]) == 256
    assert told["codes"][0x38] == {"code": 56, "hex": "38", "binary": "00111000", "value": 1.0}
    assert told["codes"][0x7F]["value"] == "nan"


def test_comparison_prints_and_draws_what_the_library_computes(
    data: Path, capsys: Captured
) -> None:
    assert main(["formats", "--compare", "int8, bfp6_b16,fix8.0", "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    for quality in compare([parse("int8"), parse("bfp6_b16")], np.load(data)):
        assert f"{quality.sqnr_db:.2f}" in printed
    picture = data.with_name("weights-formats.svg")
    assert str(picture) in printed
    assert len(list(ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}circle"))) == 3


def test_comparison_as_json_along_an_axis(data: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out.svg"
    words = ["--compare", "nvfp4,int8", "--data", str(data), "--axis", "0", "-o", str(out)]
    assert main(["formats", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    expected = compare([parse("nvfp4"), parse("int8")], np.load(data), axis=0)
    assert [row["sqnr_db"] for row in told["formats"]] == [q.sqnr_db for q in expected]
    assert [row["bits_per_element"] for row in told["formats"]] == [
        q.bits_per_element for q in expected
    ]
    assert (told["axis"], told["shape"], told["picture"]) == (0, [8, 48], str(out))
    assert out.exists()


def test_an_exact_format_is_null_in_json(tmp_path: Path, capsys: Captured) -> None:
    np.save(tmp_path / "x.npy", np.array([1.0, 2.0]))
    words = ["formats", "--compare", "e4m3", "--data", str(tmp_path / "x.npy")]
    assert main(words) == 0
    assert "exact" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["formats"][0]["sqnr_db"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nvfp5"], "unknown format 'nvfp5'; nearest valid: nvfp4"),
        (["int99"], "N in 2..16, but N is 99; nearest valid: int16"),
        (["int8", "--axis", "0"], "--axis is for --compare"),
        (["-o", "x.svg"], "-o is for --compare"),
        (["--data", "x.npy"], "--data is for --compare"),
        (["--compare", "int8"], "--compare needs the numbers: --data FILE.npy"),
        (["int8", "--compare", "int4", "--data", "DATA"], "either one format, int8, or --compare"),
        (["--compare", "int8,e4m", "--data", "DATA"], "unknown format 'e4m'; nearest valid: e4m"),
        (["--compare", "int8", "--data", "none.npy"], "none.npy: No such file or directory"),
        (["--compare", "int8", "--data", "DATA", "--axis", "2"], "DATA: axis must lie in -2..1"),
        (["--compare", "int8", "--data", "NAN"], "NAN: x is NaN at index (0, 1)"),
        (["--compare", "int8", "--data", "TEXT"], "TEXT is not a .npy file"),
        (
            ["--compare", "int8", "--data", "DATA", "-o", "DATA"],
            "-o DATA is the data; choose another",
        ),
        (["--compare", "int8", "--data", "DATA", "-o", "none/x.svg"], "No such file or directory"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistakes_are_one_line_and_exit_2(
    words: list[str], says: str, data: Path, tmp_path: Path, capsys: Captured
) -> None:
    np.save(tmp_path / "nan.npy", np.array([[1, np.nan]]))
    (tmp_path / "text.npy").write_text("1 2 3")
    files = {"DATA": data, "NAN": tmp_path / "nan.npy", "TEXT": tmp_path / "text.npy"}
    for word, path in files.items():
        words = [str(path) if given == word else given for given in words]
        says = says.replace(word, str(path))
    assert main(["formats", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("bitwright: error: ")
    assert says in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.svg"))
