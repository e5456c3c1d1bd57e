from math import inf
from xml.etree import ElementTree

import pytest

from bitwright.arith import Quality
from bitwright.report.sqnr import HEIGHT, LEFT, WIDTH, sqnr_figure

SVG = "{http://www.w3.org/2000/svg}"


def quality(name: str, bits: float, ratio: float) -> Quality:
    return Quality(name=name, bits_per_element=bits, sqnr_db=ratio)


MANY = [quality(f"bfp{n}_b16", n + 0.5, 6 * n - 5) for n in range(2, 17)] + [
    quality(f"codebook{n}", 4 + n / 1000, 20 + n / 100) for n in range(4)
]


def parts(points: list[Quality], tag: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(sqnr_figure(points, "w.npy <1>"))
    return list(root.iter(SVG + tag))


def test_every_format_is_a_point_with_its_name_and_numbers() -> None:
    circles = parts(MANY, "circle")
    told = {circle.findtext(SVG + "title") for circle in circles}
    assert told == {f"{q.name}: {q.bits_per_element:.3g} bits, {q.sqnr_db:.2f} dB" for q in MANY}
    labels = {text.text for text in parts(MANY, "text")}
    assert labels >= {q.name for q in MANY} | {"w.npy <1>"}


def test_more_bits_lie_to_the_right_and_a_better_ratio_above() -> None:
    low, high = parts([quality("a", 4.0, 10.0), quality("b", 8.0, 40.0)], "circle")
    assert float(low.get("cx", 0)) < float(high.get("cx", 0))
    assert float(low.get("cy", 0)) > float(high.get("cy", 0))


def test_labels_that_have_room_do_not_cover_one_another() -> None:
    boxes = []
    for text in parts(MANY, "text"):
        if "s-label" not in text.get("class", ""):
            continue
        width = 6.7 * len(text.text or "")
        x, y = float(text.get("x", 0)), float(text.get("y", 0))
        left = x if text.get("text-anchor") == "start" else x - width
        boxes.append((left, y - 9, left + width, y + 2))
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert left > 0
        assert right < WIDTH
        for other in boxes[:n]:
            apart = left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom
            assert apart, (boxes[n], other)


@pytest.mark.parametrize("ratios", [[inf], [-3.0, 20.0], [0.0], [inf, 250.0], [-40.0]], ids=str)
def test_every_point_lies_within_the_axes(ratios: list[float]) -> None:
    points = [quality(f"f{n}", n + 1, ratio) for n, ratio in enumerate(ratios)]
    for circle in parts(points, "circle"):
        assert LEFT < float(circle.get("cx", 0)) < WIDTH
        assert 0 < float(circle.get("cy", 0)) < HEIGHT


def test_exact_formats_are_called_so() -> None:
    assert "e4m3 (exact)" in {t.text for t in parts([quality("e4m3", 8, inf)], "text")}


def test_the_picture_has_colours_for_light_and_dark() -> None:
    assert "prefers-color-scheme: dark" in sqnr_figure(MANY, "")
