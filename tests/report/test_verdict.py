"""The verdict is the worst that was found."""

from typing import Any

import pytest

from bitwright.report import judge

EXACT: dict[str, Any] = {
    "images": 1000,
    "layers_compared": 9,
    "outputs_compared": 123456,
    "mismatches": 0,
    "divergence": None,
    "machine_error": None,
    "cycles_rtl": 7000,
    "cycles_model": 7000,
    "cycle_errors": [],
}
DIFFERENCE = {"mismatches": 1234, "divergence": {"layer": "conv", "image": 5, "index": (1, 2, 3)}}


def test_equal_bits_and_cycles_are_exact() -> None:
    verdict = judge(EXACT)
    assert verdict.exact
    assert verdict.headline == "0 of 123,456 outputs differ"
    assert "1,000 images, 9 layers" in verdict.detail


@pytest.mark.parametrize(
    ("found", "headline", "detail"),
    [
        (DIFFERENCE, "1,234 of 123,456 outputs differ", "layer 'conv', image 5, index [1, 2, 3]"),
        ({"cycles_rtl": 7001}, "0 of 123,456 outputs differ, but cycles do", "7,001 counted"),
        ({"cycle_errors": ["layer 'a'"]}, "but cycles do", "7,000 predicted"),
        (DIFFERENCE | {"machine_error": "it stopped"}, "it stopped", "after 1,000 images"),
    ],
    ids=["bits", "total", "cycles", "machine"],
)
def test_finding_is_not_exact_and_named(found: dict[str, Any], headline: str, detail: str) -> None:
    verdict = judge(EXACT | found)
    assert not verdict.exact
    assert headline in verdict.headline
    assert detail in verdict.detail
