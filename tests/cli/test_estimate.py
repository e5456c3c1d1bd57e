"""`bitwright estimate` as a user calls it."""

import json
from pathlib import Path

import pytest

from bitwright.cli.main import main
from bitwright.isa import Architecture
from bitwright.synth.cost import shipped_model


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text("rows = 4\ncolumns = 4\naccumulator_bits = 24\nmultiplier_bits = 16\n")
    return str(path)


def test_table_has_estimate_interval_and_share(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "--arch", small, "--device", "ecp5-25f"]) == 0
    printed = capsys.readouterr().out
    found = shipped_model().estimate(Architecture.load(small))
    row = next(row.split() for row in printed.splitlines() if row.startswith("luts"))
    luts = found.resources.luts
    ends = ["-" if end is None else str(end.luts) for end in (found.low, found.high)]
    assert row == ["luts", str(luts), *ends, "24288", f"{luts / 24288:.1%}"]
    assert f"fitted to {len(shipped_model().runs)} runs of " in printed


def test_json_says_the_same(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--arch", small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = shipped_model().estimate(Architecture.load(small))
    assert found["luts"]["estimate"] == expected.resources.luts
    low = None if expected.low is None else expected.low.luts
    assert found["luts"]["low"] == low
    assert found["brams"]["estimate"] == expected.resources.brams
    assert found["brams"]["there"] == 208
    assert found["architecture"] == "small"
    assert found["device"] == "ecp5-85f"


def test_large_array_is_told_to_be_extrapolated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large.toml").write_text("rows = 32\ncolumns = 32\n")
    assert main(["estimate", "--arch", str(tmp_path / "large.toml")]) == 0
    assert "extrapolated: no run had as many rows, columns" in capsys.readouterr().out


def test_family_without_costs_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--device", "ice40-up5k"]) == 2
    assert "costs are known for the ECP5 alone, not for ice40-up5k" in capsys.readouterr().err
