"""The pictures and tables of docs/formats.md are what the code gives today."""

import re
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from tests.support.scripts import load_script

from bitwright.arith import parse

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_script("tools/draw_formats.py")


def test_the_committed_page_has_the_tables_of_the_code(tool: ModuleType) -> None:
    page = (DOCS / "formats.md").read_text()
    assert tool.filled(page) == page, "run python -m tools.draw_formats"


def test_the_committed_pictures_are_the_codes(tool: ModuleType, tmp_path: Path) -> None:
    drawn = {path.name: path.read_text() for path in tool.draw(tmp_path)}
    committed = {path.name: path.read_text() for path in (DOCS / "images").glob("format-*.svg")}
    assert drawn == committed, "run python -m tools.draw_formats"


def test_a_table_that_differs_is_written_anew_and_a_missing_one_named(tool: ModuleType) -> None:
    page = (DOCS / "formats.md").read_text()
    wrong = page.replace("| `e4m3` | 8 | 8 | 480 |", "| `e4m3` | 8 | 8 | 448 |")
    assert wrong != page
    assert tool.filled(wrong) == page
    with pytest.raises(ValueError, match="there is no mx"):
        tool.filled(page.replace("<!-- table: mx -->", ""))


def worked_out(meaning: str) -> Fraction:
    """The value of a product such as "1.5 2^(9-7)"."""
    product = re.sub(r"(?<=[\d)]) (?=[\d(])", "*", meaning.partition(" = ")[0])
    return Fraction(eval(product.replace("^", "**"))).limit_denominator(10**6)


def test_what_is_written_beside_the_bits_is_their_value(tool: ModuleType) -> None:
    for name, example in tool.EXAMPLES.items():
        encoded = parse(name).encode(list(example.numbers), **dict(example.options))
        value = Fraction(float(encoded.decode()[0])).limit_denominator(10**6)
        result = re.search(r"[-\d.]+", example.meaning.rpartition("= ")[2])
        assert result is not None
        assert worked_out(example.meaning) == Fraction(result[0]) == value, name


def test_pictures_are_small_follow_the_theme_and_show_every_bit(tool: ModuleType) -> None:
    for title, names in tool.PICTURES.items():
        picture = tool.picture(title)
        assert len(picture) < 20_000
        assert "prefers-color-scheme: dark" in picture
        bits = [
            text.text
            for text in ElementTree.fromstring(picture).iter(f"{SVG}text")
            if text.get("class") == "f-bit" and text.text in ("0", "1")
        ]
        assert len(bits) == sum(parse(name).bits for name in names)
