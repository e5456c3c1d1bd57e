"""The plot and the table of docs/binary.md are those of the committed results."""

import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from tests.support.scripts import load_script

from bitwright.report.plot import rounded

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/binary.md").read_text()


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_script("tools/draw_binary.py")


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((ROOT / "benchmarks/results/binary_train.json").read_text())


def test_the_committed_table_is_the_results(tool: ModuleType, results: dict) -> None:
    assert tool.filled(PAGE, results) == PAGE, "run python -m tools.draw_binary"
    assert all(f"| {row['accuracy']:.2f} |" in PAGE for row in results["networks"])


def test_the_committed_plot_is_the_results(tool: ModuleType, results: dict) -> None:
    committed = tool.PICTURE.read_text()
    assert rounded(tool.picture(results)) == committed, "run python -m tools.draw_binary"
    ElementTree.fromstring(committed)
    assert f"images/{tool.PICTURE.name}" in PAGE


def test_results_are_of_the_plans_in_the_code(results: dict) -> None:
    from dataclasses import asdict

    from benchmarks.binary_train import PLANS

    plans = {plan.name: json.loads(json.dumps(asdict(plan))) for plan in PLANS}
    for row in results["networks"]:
        plan = plans[row["name"]]
        assert {key: row[key] for key in plan} == plan, "run make bench-binary-train"
