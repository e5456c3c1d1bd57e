"""The page says what report.json says, and needs nothing from elsewhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.html import Page
from tests.support.runs import IMAGES, WRONG


def figures(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "report.json").read_text()))


def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text())


def test_headline_is_the_verdict(exact: Path) -> None:
    read, found = page(exact), figures(exact)
    assert f"0 of {found['outputs_compared']:,} outputs differ" in read.texts["verdict"]
    assert f"{IMAGES} images" in read.texts["verdict"]
    assert "divergence" not in read.texts


def test_cards_have_the_figures(exact: Path) -> None:
    text, found = page(exact).texts["figures"], figures(exact)
    assert "accuracy, float 87.50 %" in text
    assert f"RTL {1 - WRONG / IMAGES:.2%}".replace("%", " %") in text
    assert f"cycles, predicted {found['cycles_model']:,}" in text
    assert f"cycles, counted {found['cycles_rtl']:,}" in text


def test_table_has_the_numbers_of_the_json(exact: Path) -> None:
    head, *rows = page(exact).tables["layers"]
    assert head[0] == "layer"
    expected = [
        [
            layer["name"],
            layer["kind"],
            "x".join(map(str, layer["shape"])),
            f"{layer['macs']:,}",
            f"{layer['cycles_model']:,}",
            f"{layer['cycles_rtl']:,}",
            "" if layer["utilization"] is None else f"{layer['utilization'] * 100:.1f} %",
        ]
        for layer in figures(exact)["layers"]
    ]
    assert rows == expected
    assert len(rows) == 10


def test_chip_has_its_counts_its_slowest_path_and_a_bar_per_module(exact: Path) -> None:
    read = page(exact)
    assert "luts of 43,848 1,100" in read.texts["silicon"]
    assert "Fmax 81.2 MHz" in read.texts["silicon"]
    assert read.tables["path"][1:] == [["core.walker", "9", "4.25", "8.00"]]
    assert "core.array.pe_*: 1,000 of 1,100 luts, 90.9%" in read.source


@pytest.mark.parametrize("kind", ["exact", "faulty"])
def test_page_needs_nothing_from_elsewhere(kind: str, request: pytest.FixtureRequest) -> None:
    read = page(request.getfixturevalue(kind))
    assert not {"script", "link", "iframe", "object"} & set(read.tags)
    assert all(a.startswith(("data:image/png;base64,", "#")) for a in read.addresses)
    assert "@import" not in read.source
    assert not re.search(r"url\((?!#)", read.source)
    # Namespaces are names, not addresses anything is fetched from.
    assert set(re.findall(r"https?://[^\"' ]+", read.source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_every_picture_is_well_formed_and_ids_are_unique(exact: Path) -> None:
    read = page(exact)
    pictures = read.pictures()
    # The verdict, layers, roofline, banks, area, and the waveform's labels and cycles.
    assert len(pictures) == 7
    ids = [e.get("id") for picture in pictures for e in picture.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"(?:url\(|href=\")#([\w.-]+)", read.source))
    assert used <= set(ids)


def test_plots_name_every_layer_that_takes_cycles(exact: Path) -> None:
    _, layers, _, banks, *_ = page(exact).pictures()
    texts = {"".join(e.itertext()).strip() for e in layers.iter() if e.tag.endswith("text")}
    timed = {layer["name"] for layer in figures(exact)["layers"] if layer["cycles_rtl"]}
    assert timed <= texts
    assert {"products, one per PE and cycle", "predicted"} <= texts
    shown = {"".join(e.itertext()).strip() for e in banks.iter() if e.tag.endswith("text")}
    assert timed <= shown


def test_wrong_answers_come_first_and_all(exact: Path) -> None:
    read = page(exact)
    assert read.classes["images"].count("wrong") == WRONG
    assert read.texts["images"].count(" is ") == WRONG
    assert read.tags.count("img") == len(re.findall(r"image \d+", read.texts["images"]))


def test_architecture_seed_and_tools_are_named(exact: Path) -> None:
    read, found = page(exact), figures(exact)
    assert f"hash {found['architecture_hash']}" in read.texts["architecture"]
    assert "rows 4" in read.texts["architecture"]
    assert "roundings half_up, half_even" in read.texts["architecture"]
    assert read.texts["tools"].startswith(f"seed 7 network {found['network_digest'][:16]}")
    assert "perl not installed" in read.texts["tools"]


def test_first_wrong_bit_is_named(faulty: Path) -> None:
    read, found = page(faulty), figures(faulty)
    divergence = found["divergence"]
    assert found["mismatches"] > 0
    assert "outputs differ" in read.texts["verdict"]
    assert not read.texts["verdict"].startswith("0 of")
    text, place = read.texts["divergence"], divergence["place"]
    assert f"layer {divergence['layer']} ({divergence['kind']})" in text
    assert f"image {divergence['image']}, index {divergence['index']}" in text
    assert f"PE[{place['row']}][{place['column']}] of the array" in text
    assert f"channel tile {place['channel_tile']}, pixel tile {place['pixel_tile']}" in text
    # The marked bits apart, as the parser hands them over.
    bits = text.replace(" ", "")
    for side in ("expected", "got"):
        assert f"{side}{divergence[side] & 0xFF:08b}({divergence[side]})" in bits
    assert f"exact sum {divergence['accumulator']}" in text
    assert "The fault <code>sign</code>" in read.source


def test_differing_bits_alone_are_marked(faulty: Path) -> None:
    divergence = figures(faulty)["divergence"]
    got = re.search(r'bits">(.*?)\(', page(faulty).source, re.DOTALL)
    assert got is not None
    marked = re.findall(r"<b>([01])</b>|([01])", got[1])
    bits = [(first or second, bool(first)) for first, second in marked]
    wrong = (divergence["got"] ^ divergence["expected"]) & 0xFF
    assert [n for _, n in bits] == [bool(wrong >> n & 1) for n in range(7, -1, -1)]
    assert int("".join(bit for bit, _ in bits), 2) == divergence["got"] & 0xFF
