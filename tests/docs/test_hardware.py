"""The tables of docs/hardware.md are those of the code."""

from pathlib import Path

import pytest

from bitwright.isa.instructions import EXECUTE_FIELDS, FETCH_FIELDS, Field
from bitwright.isa.registers import REGISTERS, ErrorCode

PAGE = (Path(__file__).parents[2] / "docs/hardware.md").read_text()


def table(after: str) -> list[list[str]]:
    """The cells of the first table behind a heading."""
    lines = PAGE[PAGE.index(after) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| ---")) + 1
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def test_registers_are_documented() -> None:
    rows = [row for row in table("## Registers") if row[1] != "profile"]
    assert rows == [
        [f"0x{register.address:02X}", name, register.access, register.description]
        for name, register in REGISTERS.items()
    ]


def test_error_codes_are_documented() -> None:
    assert table("## Errors") == [[str(int(code)), code.name] for code in ErrorCode]


@pytest.mark.parametrize(
    ("heading", "fields"),
    [("### Execute instruction", EXECUTE_FIELDS), ("### Fetch instruction", FETCH_FIELDS)],
    ids=["execute", "fetch"],
)
def test_instruction_fields_are_documented(heading: str, fields: dict[str, Field]) -> None:
    assert table(heading) == [
        [
            name,
            str(field.word),
            f"{field.offset + field.width - 1}:{field.offset}",
            "yes" if field.signed else "",
        ]
        for name, field in fields.items()
    ]
