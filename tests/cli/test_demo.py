"""demo and report as a user calls them, on a small network in place of a trained one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.html import Page
from tests.support.networks import random_codes, random_network
from tests.support.runs import SILICON, codes_written

from bitwright import compress, rtl
from bitwright.cli import demo_silicon
from bitwright.cli.main import main
from bitwright.compiler import Program
from bitwright.compress import QuantizedReference, reference
from bitwright.compress.methods.binary_lower import lower_binary
from bitwright.compress.methods.binary_twin import binary_twin
from bitwright.compress.models import Tfc
from bitwright.data import Dataset, Split
from bitwright.importers import import_program
from bitwright.isa import Architecture
from bitwright.sim.divergence import Divergence, Place
from bitwright.synth import tools

KEYS = (
    *("images", "mismatches", "layers_compared"),
    *("accuracy_float", "accuracy_reference", "accuracy_rtl"),
    *("cycles_model", "cycles_rtl", "utilization", "sim_cycles_per_second"),
    *("luts", "ffs", "dsps", "brams", "fmax_mhz"),
)
ARCH = """
rows = 4
columns = 4
roundings = ["half_up", "half_even", "half_away", "floor", "trunc"]
activation_words = 2048
weight_words = 4096
parameter_records = 128
"""


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of a demo that takes seconds; it runs in an empty folder."""
    network = random_network(1)
    pixels = (random_codes(network, 6).astype(np.int16) + 128).astype(np.uint8)

    def untrained(name: str, **options: object) -> QuantizedReference:
        assert name == "digits"
        assert options["seed"] == 3
        return QuantizedReference(
            network=network,
            test=Split(pixels=pixels, labels=np.zeros(6, np.int64)),
            accuracy_float=0.5,
            accuracy_reference=1.0,
        )

    monkeypatch.setattr(compress, "quantize_reference", untrained)
    monkeypatch.setattr(demo_silicon, "route_small", lambda progress: SILICON)
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(ARCH)
    return ["demo", "--seed", "3", "--arch", "small.toml", "--out", "out/first"]


def test_demo_writes_figures_and_page_and_points_latest_at_them(
    demo: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(demo) == 0
    figures = json.loads(Path("runs/latest/report.json").read_text())
    assert all(figures[key] is not None for key in KEYS)
    assert figures["mismatches"] == 0
    assert figures["images"] == 6
    assert figures["cycles_rtl"] == figures["cycles_model"]
    assert figures["tools"]["verilator"]
    assert Path("runs/latest").readlink() == Path("../out/first")
    printed = capsys.readouterr().out
    chip = "a 4x4 accelerator on ecp5-45f: 1,100 luts, 700 ffs, 8 dsps, 14 brams, 81.25 MHz"
    assert chip in printed.splitlines()
    assert printed.splitlines()[-1] == "out/first/report.html"
    Page(Path("out/first/report.html").read_text())


def test_report_renders_the_latest_run_again(
    demo: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(demo) == 0
    before = Path("out/first/report.html").read_text()
    Path("out/first/report.html").unlink()
    capsys.readouterr()
    assert main(["report"]) == 0
    assert capsys.readouterr().out == "runs/latest/report.html\n"
    assert Path("out/first/report.html").read_text() == before


def test_demo_with_a_fault_exits_1_and_names_it_in_the_report(
    demo: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*demo, "--inject", "sign"]) == 1
    figures = json.loads(Path("out/first/report.json").read_text())
    divergence = figures["divergence"]
    assert f"first difference: layer {divergence['layer']!r}" in capsys.readouterr().out
    read = Page(Path("out/first/report.html").read_text())
    assert f"{figures['mismatches']:,} of" in read.texts["verdict"]
    assert f"layer {divergence['layer']} ({divergence['kind']})" in read.texts["divergence"]
    assert f"instruction {divergence['place']['instruction']}" in read.texts["divergence"]
    shown = figures["waveform"]
    assert shown["first"] <= shown["moment"] <= shown["last"]
    # The waveform is of the faulty RTL: it shows the wrong code.
    place = Place(**divergence.pop("place"))
    found = Divergence(place=place, **divergence)
    written = codes_written(
        Program.load("out/first/net.bwp"), found, Path("out/first/waveform.vcd")
    )
    assert list(written.values()) == [found.got & 0xFF]


@pytest.fixture
def bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command line of a demo of a network of bits, untrained, in a folder that has it."""
    torch.manual_seed(0)
    twin = binary_twin(import_program(Tfc().eval(), torch.zeros(2, 1, 28, 28)))
    (tmp_path / "examples/models").mkdir(parents=True)
    lower_binary(twin, (1, 28, 28)).save(tmp_path / "examples/models/tfc-1w1a.bw")
    (tmp_path / "examples/arch").mkdir()
    (tmp_path / "examples/arch/8x8-xnor.toml").write_text("xnor = true\n")
    pixels = np.random.default_rng(0).integers(0, 256, (12, 1, 28, 28), np.uint8)
    split = Split(pixels=pixels, labels=np.zeros(12, np.int64))
    dataset = Dataset(name="mnist", classes=10, train=split, validation=split, test=split)
    monkeypatch.setattr(reference, "load", lambda name: dataset)
    monkeypatch.chdir(tmp_path)
    return ["demo", "--model", "tfc", "--out", "out/bits"]


def test_demo_of_a_trained_network_of_bits(
    bits: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    routed = []

    def route(architecture: Architecture, progress: object) -> dict:
        routed.append(architecture.name)
        return SILICON

    monkeypatch.setattr(demo_silicon, "route_xnor", route)
    assert main(bits) == 0
    figures = json.loads(Path("out/bits/report.json").read_text())
    assert (figures["data"], figures["images"], figures["mismatches"]) == ("mnist", 12, 0)
    assert figures["accuracy_rtl"] == figures["accuracy_reference"]
    assert figures["accuracy_float"] is None
    assert {layer["kind"] for layer in figures["layers"]} == {"Input", "BinaryLinear"}
    assert routed == ["8x8-xnor"]
    assert "accuracy: integer reference" in capsys.readouterr().out
    # Eight images share the engine's rows: the third layer's 4,096 products take a row 64 cycles.
    assert figures["cycles_rtl"] == figures["cycles_model"] < 12 * 1000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnv", "--model must be one of tfc, sfc, lfc, got 'cnv'"),
        ("lfc", "examples/models/lfc-1w1a.bw is not here; run the demo of 'lfc' in a clone"),
    ],
)
def test_trained_network_that_is_not_there(
    bits: list[str], name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", name]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_demo_without_silicon_says_so_in_the_report(
    demo: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*demo, "--no-silicon"]) == 0
    assert "not routed: not asked for" in capsys.readouterr().out
    figures = json.loads(Path("out/first/report.json").read_text())
    assert figures["luts"] is figures["fmax_mhz"] is None
    read = Page(Path("out/first/report.html").read_text())
    assert read.texts["silicon"] == "No design was routed: not asked for"


def test_unknown_fault_is_refused_before_any_work(
    demo: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*demo, "--inject", "cosmic"]) == 2
    assert "'cosmic' is not one of rounding" in capsys.readouterr().err
    assert not Path("out").exists()


def test_report_of_no_run_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"bitwright: error: {tmp_path} is no run: it has no report.json")
    assert error.count("\n") == 1


COUNTER = """
module accelerator(input clk, input rst, input [3:0] step, output reg [3:0] count);
  always @(posedge clk) count <= rst ? 4'd0 : count + step;
endmodule
"""


def test_demo_routes_the_smallest_example_and_reports_missing_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Path(__file__).parents[2] / "examples/arch/4x4.toml"
    assert Architecture.load(example) == demo_silicon.ARCHITECTURE
    monkeypatch.setattr(rtl, "generate", lambda *_: COUNTER)
    monkeypatch.setattr(demo_silicon, "DEVICE", "ice40-up5k")  # its routing takes seconds
    found = demo_silicon.route_small(lambda _: None, tmp_path)
    assert found["ffs"] == 4
    assert found["fmax_mhz"] > 10
    assert found["silicon"]["modules"][0][1]["ffs"] == 4
    assert set(found) == set(SILICON)
    assert set(found["silicon"]) == set(SILICON["silicon"])
    monkeypatch.setattr(
        rtl, "generate_xnor", lambda *_: COUNTER.replace("accelerator", rtl.XNOR_TOP)
    )
    engine = demo_silicon.route_xnor(Architecture(xnor=True), lambda _: None, tmp_path)
    assert engine["ffs"] == 4
    assert engine["silicon"]["design"].startswith("the XNOR engine of an ")
    monkeypatch.setattr(tools, "find_native", lambda _: None)
    monkeypatch.setattr(tools.shutil, "which", lambda *_, **__: None)
    missing = demo_silicon.route_small(lambda _: None, tmp_path / "elsewhere")
    assert missing["luts"] is None
    assert "yosys 0.60 or newer is needed" in missing["silicon"]["missing"]
