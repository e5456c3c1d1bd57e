"""The plots and tables of docs/quantization.md are those of the committed results."""

import json
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from benchmarks.quant_experiments import EXPERIMENTS
from tests.support.scripts import load_script

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_script("tools/draw_quant.py")


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((ROOT / "benchmarks/results/quant.json").read_text())


def test_the_committed_tables_are_the_results(tool, results):
    page = (DOCS / "quantization.md").read_text()
    assert tool.filled(page, results) == page, "run python -m tools.draw_quant"


def test_the_committed_plots_are_the_results(tool, results, tmp_path):
    drawn = {path.name: path.read_text() for path in tool.draw(tmp_path, results)}
    assert drawn
    for name, picture in drawn.items():
        assert (DOCS / "images" / name).read_text() == picture, "run python -m tools.draw_quant"


def test_the_results_are_of_the_experiments_in_the_code(results):
    known = {one.name: list(one.recipes) for one in EXPERIMENTS}
    found = {one["name"]: [row["label"] for row in one["rows"]] for one in results["experiments"]}
    assert found == known, "run make bench-quant"


def test_the_page_shows_every_plot_and_names_every_step(results):
    from bitwright.compress.recipe import STEPS

    page = (DOCS / "quantization.md").read_text()
    shown = set(re.findall(r"\(images/(quant-[^)]+)\)", page))
    assert shown == {path.name for path in (DOCS / "images").glob("quant-*.svg")}
    for name in shown:
        ElementTree.fromstring((DOCS / "images" / name).read_text())
    for step in STEPS:
        assert f"### {step}\n" in page, f"docs/quantization.md has no section on {step}"
