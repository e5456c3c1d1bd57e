"""A drawing shows each value once, where its cycles are."""

import re
from xml.etree import ElementTree

import pytest

from bitwright.report.trace import Signal, Trace
from bitwright.report.waveform import (
    AnyRow,
    Clock,
    Heading,
    Mark,
    Picture,
    Row,
    Span,
    cycles,
    hexadecimal,
    labels,
    signed,
    standalone,
    unsigned,
)

TRACE = Trace(
    100,
    {
        "bit": Signal(1, (0, 1, 1, 0)),
        "byte": Signal(8, (7, 7, 255, 128)),
        "word": Signal(64, (0, 0, 0, 1 << 60)),
        "valid": Signal(1, (1, 1, 1, 0)),
    },
)


def picture(*rows: AnyRow, **changes: object) -> Picture:
    return Picture(trace=TRACE, rows=rows, cycle_width=30, **changes)  # type: ignore[arg-type]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str, kind: str = "text") -> list[str]:
    return [e.text or "" for e in parsed(svg).iter() if e.tag.endswith("}" + kind)]


def paths(svg: str, name: str) -> list[str]:
    found = [e for e in parsed(svg).iter() if name in (e.get("class") or "").split()]
    return [e.get("d") or "" for e in found]


def test_level_is_up_in_the_cycles_the_signal_is_high() -> None:
    (line,) = paths(cycles(picture(Row("bit", "bit"))), "w-level")
    low, high = "59", "43"
    assert line == f"M0 {low}H30V{high}H90V{low}H120"


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (signed, ["7", "-1", "-128"]),
        (unsigned, ["7", "255", "128"]),
        (hexadecimal, ["07", "ff", "80"]),
    ],
    ids=["signed", "unsigned", "hexadecimal"],
)
def test_value_that_stays_is_written_once(show: object, expected: list[str]) -> None:
    svg = cycles(picture(Row("byte", "byte", show)))  # type: ignore[arg-type]
    assert [text for text in texts(svg) if text not in ("100",)] == expected
    # In the middle of its cycles.
    assert 'x="30"' in svg
    assert 'x="75"' in svg


def test_value_means_nothing_where_its_condition_is_low() -> None:
    svg = cycles(picture(Row("byte", "byte", unsigned, when="valid")))
    assert "128" not in texts(svg)
    assert paths(svg, "w-faint") == ["M90 51H120"]


def test_value_without_room_is_told_when_pointed_at() -> None:
    svg = cycles(picture(Row("word", "word", hexadecimal)))
    # A cycle has no room for 16 digits, nor have three.
    assert texts(svg, "title") == ["0000000000000000", "1000000000000000"]
    assert [text for text in texts(svg) if text != "100"] == ["…", "…"]


def test_clock_has_a_rising_edge_per_cycle() -> None:
    (line,) = paths(cycles(picture(Clock())), "w-level")
    assert line.count("V43h15V59h15") == 4


def test_labels_stand_beside_their_rows() -> None:
    rows = Heading("group"), Row("a <b>", "bit"), Row("c", "byte", unsigned)
    drawn = picture(*rows)
    found = [e for e in parsed(labels(drawn)).iter() if e.tag.endswith("}text")]
    assert [e.text for e in found] == ["group", "a <b>", "c"]
    for e in found[1:]:
        assert drawn.y(e.text or "") < int(e.get("y") or 0) < drawn.y(e.text or "") + 16


def test_mark_stands_at_the_begin_of_its_cycle_and_span_between_middles() -> None:
    marks, spans = [Mark(101, "here")], [Span("group", 100, 102, "2 cycles")]
    svg = cycles(picture(Heading("group"), Row("bit", "bit"), marks=marks, spans=spans))
    assert paths(svg, "w-mark")[0].startswith("M30 ")
    assert paths(svg, "w-span")[0].startswith("M15 ")
    assert paths(svg, "w-span")[0].endswith("H75")
    assert {"here", "2 cycles"} <= set(texts(svg))


def test_ruler_counts_from_the_origin() -> None:
    drawn = texts(cycles(picture(Row("bit", "bit"), origin=103)))
    assert drawn == ["0"]
    assert texts(cycles(picture(Row("bit", "bit"), origin=95))) == ["5"]


def test_picture_of_its_own_brings_its_colours() -> None:
    svg = standalone(picture(Row("bit", "bit"), title="A & B"))
    assert parsed(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "A & B" in texts(svg, "title")
    used = set(re.findall(r"var\((--\w+)\)", svg))
    assert used <= set(re.findall(r"(--\w+):", svg))
    assert "prefers-color-scheme: dark" in svg
