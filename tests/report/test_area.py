from xml.etree import ElementTree

import pytest

from bitwright.report.area import MOST, Row, area_document, area_figure, largest

SVG = "{http://www.w3.org/2000/svg}"
ROWS: list[Row] = [
    ("pe_*", {"luts": 600, "ffs": 300, "dsps": 16}),
    ("walker", {"luts": 400, "ffs": 0, "dsps": 0}),
    ("a <b>", {"luts": 0, "ffs": 100, "dsps": 0}),
]


def bars(svg: str) -> dict[str, float]:
    found = {}
    for bar in ElementTree.fromstring(svg).iter(SVG + "rect"):
        if told := bar.findtext(SVG + "title"):
            found[told] = float(bar.get("width", 0))
    return found


def test_every_count_is_a_bar_with_its_share() -> None:
    found = bars(area_document(ROWS, "8x8 on ecp5-25f"))
    assert set(found) == {
        "pe_*: 600 of 1,000 luts, 60.0%",
        "walker: 400 of 1,000 luts, 40.0%",
        "pe_*: 300 of 400 ffs, 75.0%",
        "a <b>: 100 of 400 ffs, 25.0%",
        "pe_*: 16 of 16 dsps, 100.0%",
    }
    long, short = found["pe_*: 600 of 1,000 luts, 60.0%"], found["walker: 400 of 1,000 luts, 40.0%"]
    assert long / short == pytest.approx(600 / 400, rel=0.01)


def test_names_and_totals_are_written() -> None:
    root = ElementTree.fromstring(area_document(ROWS, "title <1>"))
    texts = {text.text for text in root.iter(SVG + "text")}
    assert texts >= {"title <1>", "a <b>", "luts 1,000", "ffs 400", "dsps 16"}


def test_small_modules_share_a_row_and_nothing_is_lost() -> None:
    rows: list[Row] = [(f"module{n}", {"luts": n, "ffs": 1}) for n in range(40)]
    shown = largest(rows)
    assert len(shown) == MOST
    assert shown[0][0] == "module39"
    assert shown[-1][0] == f"{40 - MOST + 1} smaller ones"
    assert sum(counts["luts"] for _, counts in shown) == sum(range(40))
    assert sum(counts["ffs"] for _, counts in shown) == 40


def test_figure_of_a_page_has_no_style_of_its_own() -> None:
    assert "<style" not in area_figure(ROWS)
    ElementTree.fromstring(area_figure(ROWS))
