"""Tables of the docs: what stands between `<!-- table: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Iterable, Mapping, Sequence

_TABLE = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- end -->", re.DOTALL)


def names(page: str) -> list[str]:
    """Those of the page's tables."""
    return [found[1] for found in _TABLE.finditer(page)]


def filled(page: str, tables: Mapping[str, Iterable[str]]) -> str:
    """The page with the lines of its tables; ValueError for one that either of them lacks."""
    if missing := set(tables) ^ set(names(page)):
        raise ValueError(
            f"in the page or among the tables there is no {', '.join(sorted(missing))}"
        )

    def fill(found: re.Match[str]) -> str:
        lines = "\n".join(tables[found[1]])
        return f"<!-- table: {found[1]} -->\n\n{lines}\n\n<!-- end -->"

    return _TABLE.sub(fill, page)


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def heading(columns: Sequence[str]) -> list[str]:
    """The first two lines: all columns but the first are numbers."""
    return [row(columns), f"| ---{' | ---:' * (len(columns) - 1)} |"]
