"""`bitwright synth` with a stand-in for the accelerator, which itself takes minutes."""

import json
from pathlib import Path

import pytest

from bitwright import rtl
from bitwright.cli.main import main
from bitwright.isa import Architecture
from bitwright.synth import RouteReport, SynthesisReport

COUNTER = """
module accelerator(input clk, input rst, input [3:0] step, output reg [3:0] count);
  always @(posedge clk) count <= rst ? 4'd0 : count + step;
endmodule
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rtl, "generate", lambda *_: COUNTER)
    return tmp_path


def test_route_prints_resources_and_fmax_and_writes_them(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["synth", "--device", "ice40-up5k", "--route", "--seeds", "3,4,5", "--json", "out.json"]
    assert main(line) == 0
    printed = capsys.readouterr().out
    written = json.loads((workplace / "out.json").read_text())
    report = RouteReport.from_mapping(written["median"])
    fmax = [run["fmax_mhz"] for run in written["seeds"]]
    assert [run["seed"] for run in written["seeds"]] == [3, 4, 5]
    assert report.fmax_mhz == sorted(fmax)[1] == written["fmax_mhz"]
    assert f"({Architecture().hash:016x}) on ice40-up5k" in printed
    each = ", ".join(f"{seed}: {value:g}" for seed, value in zip((3, 4, 5), fmax, strict=True))
    assert f"the median of 3 seeds, in MHz {each}" in printed
    assert f"clk: Fmax {report.fmax_mhz:g} MHz, target 24 MHz met" in printed
    assert report.synthesis.resources.ffs == 4
    row = next(row.split() for row in printed.splitlines() if row.startswith("ffs"))
    assert row == ["ffs", "4", "13", "17", "5280", "0.3%"]  # 5 bits in, 2 x 4 out
    tool = f"{report.tool}, seed {report.seed}, {report.fmax_mhz:g} MHz, {report.seconds:g} s"
    assert f"{tool}, build/synth/{report.digest}" in printed.splitlines()
    path = report.clocks[0].critical_path
    assert path is not None
    total = f"{sum(hop.cells for hop in path.hops)} {path.logic_ns:.2f} {path.routing_ns:.2f}"
    assert total in [" ".join(row.split()) for row in printed.splitlines()]
    for part in (report.digest, report.synthesis.digest):
        assert f"build/synth/{part}" in printed
        assert (workplace / "build" / "synth" / part).is_dir()


def test_paths_that_nextpnr_does_not_time_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "--device", "gowin-gw2a18", "--route"]) == 0
    said = "Fmax is without paths out of memory blocks and through multiplier blocks: nextpnr knows"
    assert said in capsys.readouterr().out


def test_synthesis_alone_writes_its_own_report(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "small.toml").write_text("rows = 4\ncolumns = 4\n")
    line = ["synth", "--arch", "small.toml", "--device", "ice40-up5k", "--json", "s.json"]
    assert main([*line, "--svg", "s.svg"]) == 0
    report = SynthesisReport.from_json((workplace / "s.json").read_text())
    assert json.loads((workplace / "s.json").read_text())["cells"]["SB_DFFSR"] == 4
    assert report.resources.ffs == 4
    printed = capsys.readouterr().out
    assert "architecture small " in printed
    assert "Fmax" not in printed
    assert ["(top)", "1", "4", "4"] in [row.split() for row in printed.splitlines()]
    assert "(top): 4 of 4 ffs, 100.0%" in (workplace / "s.svg").read_text()


def test_unknown_device_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "--device", "ecp5-12f"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("bitwright: error: device 'ecp5-12f' is unknown; known are ecp5-25f")
    assert error.count("\n") == 1
