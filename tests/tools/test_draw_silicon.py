"""The plot and the tables of docs/synthesis.md are those of the committed results."""

import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from tests.support.scripts import load_script

from bitwright.report.plot import rounded

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/synthesis.md").read_text()


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_script("tools/draw_silicon.py")


@pytest.fixture(scope="module")
def sections() -> dict:
    return json.loads((ROOT / "benchmarks/results/silicon.json").read_text())["sections"]


def test_the_committed_tables_are_the_results(tool: ModuleType, sections: dict) -> None:
    assert tool.filled(PAGE, sections) == PAGE, "run python -m tools.draw_silicon"
    for run in sections["networks"]["networks"]:
        assert f"{100 * run['utilisation']:.1f} | {100 * run['textbook']:.1f} |" in PAGE


def test_the_committed_plot_is_the_results(tool: ModuleType, sections: dict) -> None:
    committed = tool.PICTURE.read_text()
    assert rounded(tool.picture(sections)) == committed, "run python -m tools.draw_silicon"
    ElementTree.fromstring(committed)
    assert f"images/{tool.PICTURE.name}" in PAGE


def test_all_that_ran_is_exact(sections: dict) -> None:
    for run in sections["networks"]["networks"]:
        assert (run["differing"], run["cycles_off"]) == (0, 0), run["network"]
        assert run["outputs_compared"] > 0
