"""docs/formats.md says what the code does."""

import ast
import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "formats.md"


def test_every_example_gives_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    # A fence would be taken for output.
    text = re.sub(r"^```.*$", "", PAGE.read_text(), flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, "formats.md", str(PAGE), 0)
    assert len(test.examples) > 40
    failed, _ = doctest.DocTestRunner().run(test)
    assert failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("module", ["test_peers", "test_faults"])
def test_every_test_the_page_names_is_there(module: str) -> None:
    tree = ast.parse((ROOT / f"tests/arith/{module}.py").read_text())
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    section = {"test_peers": "## Beside", "test_faults": "## Faults"}[module]
    text = PAGE.read_text().partition(section)[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) >= 5
    assert named <= there


def test_every_difference_and_every_fault_is_on_the_page() -> None:
    text = PAGE.read_text()
    faults = (ROOT / "tests/arith/test_faults.py").read_text()
    peers = (ROOT / "tests/arith/test_peers.py").read_text()
    differences = re.findall(r"def (test_(?:ml_dtypes|gfloat)_\w+)", peers)
    expected = [name for name in differences if not re.search(r"alike|same_value|stored_exp", name)]
    assert len(expected) == 7
    for name in [*expected, *re.findall(r"def (test_\w+)", faults)]:
        assert f"`{name}`" in text, name


def test_every_picture_of_the_page_is_there() -> None:
    shown = set(re.findall(r"\(images/([^)]+)\)", PAGE.read_text()))
    assert shown == {path.name for path in (ROOT / "docs/images").glob("format-*.svg")}
