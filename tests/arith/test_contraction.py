"""Which rule a pair of formats takes: the table of docs/dots.md, and each side of 64 bits."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bitwright.arith import parse
from bitwright.arith.contraction import Law
from bitwright.arith.operand import operand

DOCUMENT = Path(__file__).parents[2] / "docs" / "dots.md"


def documented() -> list[tuple[str, str, str]]:
    """(format, format, rule) of every cell of the table."""
    lines = re.findall(r"^\| \*\*(.+?)\*\*: (.+?) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    members = [re.findall(r"`(\S+)`", names) for _, names, _ in lines]
    cells = [cells.split(" | ") for _, _, cells in lines]
    return [
        (a, b, cells[i][j])
        for (i, row), (j, column) in product(enumerate(members), repeat=2)
        for a, b in product(row, column)
    ]


def rule(a: str, b: str, k: int) -> str:
    sides = (operand("a", parse(name).encode(np.zeros(0)), 0) for name in (a, b))
    return Law.of(*sides, k, None).rule.value


def test_the_documented_table_is_the_law() -> None:
    table = documented()
    assert len(table) == 29**2
    wrong = [(a, b, said) for a, b, said in table if rule(a, b, 1024) != said]
    assert not wrong


@pytest.mark.parametrize(
    ("a", "b", "k", "expected"),
    [
        ("fix32.0", "fix32.0", 1, "exact"),
        ("fix32.0", "fix32.0", 2, "products"),  # 2^63 and a sign
        ("fix32.0", "fix31.0", 3, "exact"),
        ("fix32.0", "fix31.0", 4, "products"),
        ("bfp16_b512", "bm_e5m8_b512", 1, "blocks"),  # 512 (2^15 - 1) 511 2^30 < 2^63
        ("bfp16_b1024", "bm_e5m8_b1024", 1, "products"),
    ],
)
def test_each_side_of_64_bits(a: str, b: str, k: int, expected: str) -> None:
    assert rule(a, b, k) == expected


def test_the_mantissas_of_block_scales_count() -> None:
    nvfp4 = operand("a", parse("nvfp4").encode(np.zeros(0)), 0)
    law = Law.of(nvfp4, nvfp4, 1024, None)
    assert law.width == 1 + (16 * (12 * 15) ** 2).bit_length()  # 6 in halves, 448 is 14 2^5


def test_the_length_of_a_contraction_never_decides_between_blocks_and_products() -> None:
    for name in ("bfp8_b16", "bm_e5m2_b16", "mxfp8_e5m2", "nvfp4"):
        assert len({rule(name, name, k) for k in (1, 15, 16, 17, 10**6)}) == 1, name
