"""The fitting tool with a stand-in for yosys, which takes hours for all architectures."""

from dataclasses import replace
from pathlib import Path

import pytest
from tools import cost_model

from bitwright.isa import Architecture
from bitwright.synth import Resources, SynthesisReport
from bitwright.synth.cost import CostModel, count_multipliers
from bitwright.synth.memories import count_blocks


def counted(architecture: Architecture, luts: float = 1.0) -> SynthesisReport:
    """Counts of a machine of a known cost; LUTs by a factor."""
    a = architecture
    elements = a.rows * a.columns
    resources = Resources(
        luts=round(luts * (4000 + elements * a.accumulator_bits + 300 * a.lanes)),
        ffs=2000 + 40 * elements + 500 * a.lanes,
        dsps=count_multipliers(a),
        brams=count_blocks(a),
    )
    return SynthesisReport(
        top="accelerator",
        device="ecp5-85f",
        digest="0",
        tool="yosys 1",
        resources=resources,
        cells=(),
        modules=(),
        seconds=1,
    )


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cost_model, "ROOT", tmp_path)
    monkeypatch.setattr(cost_model, "MODEL", tmp_path / "model.json")
    return tmp_path / "model.json"


def test_fit_is_written_and_held_out_ones_are_compared(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost_model, "synthesized_one", counted)
    assert cost_model.main([]) == 0
    written = CostModel.from_json(model.read_text())
    assert {run["name"] for run in written.runs} == set(cost_model.TRAINING)
    assert written.tool == "yosys 1"
    assert "the held-out ones are missed by 0." in capsys.readouterr().out


def test_held_out_one_that_is_missed_by_much_is_an_error(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = {"odd": replace(cost_model.SMALL, accumulator_bits=25)}
    monkeypatch.setattr(cost_model, "HELD_OUT", held_out)
    monkeypatch.setattr(
        cost_model,
        "synthesized_one",
        lambda a: counted(a, luts=1.2 if a.accumulator_bits == 25 else 1.0),
    )
    assert cost_model.main(["--most-elements", "64"]) == 1
    runs = CostModel.from_json(model.read_text()).runs
    assert max(r["architecture"]["rows"] * r["architecture"]["columns"] for r in runs) == 64


def test_held_out_architectures_are_not_in_the_fit() -> None:
    training = {a.hash for a in cost_model.TRAINING.values()}
    assert not training & {a.hash for a in cost_model.HELD_OUT.values()}
    assert len(training) == len(cost_model.TRAINING)
