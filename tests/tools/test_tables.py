"""Tables between comments of a page."""

import pytest
from tools import tables

PAGE = "a\n<!-- table: one -->\nold\n<!-- end -->\nb\n<!-- table: two -->\n<!-- end -->\n"


def test_lines_replace_what_was_between_the_comments() -> None:
    page = tables.filled(PAGE, {"one": ["1", "2"], "two": ["3"]})
    assert page == (
        "a\n<!-- table: one -->\n\n1\n2\n\n<!-- end -->\nb\n"
        "<!-- table: two -->\n\n3\n\n<!-- end -->\n"
    )
    assert tables.filled(page, {"one": ["1", "2"], "two": ["3"]}) == page
    assert tables.names(page) == ["one", "two"]


@pytest.mark.parametrize("given", [{"one": []}, {"one": [], "two": [], "three": []}])
def test_missing_places_and_tables_are_named(given: dict[str, list[str]]) -> None:
    name = "two" if len(given) == 1 else "three"
    with pytest.raises(ValueError, match=f"there is no {name}"):
        tables.filled(PAGE, given)


def test_rows() -> None:
    assert tables.heading(("a", "b", "c")) == ["| a | b | c |", "| --- | ---: | ---: |"]
    assert tables.row(["x", "1"]) == "| x | 1 |"
