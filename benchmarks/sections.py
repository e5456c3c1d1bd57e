"""Results in sections that are measured alone, each under its own circumstances."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import record
from rich.console import Console

Section = Callable[[], dict[str, Any]]


def run(
    name: str,
    sections: Mapping[str, Section],
    description: str,
    console: Console,
    argv: Sequence[str] | None,
) -> int:
    """Measure the sections asked for (all, if none), writing ``{name}.json`` after each.

    The other sections stay as they are.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(sections))
    chosen = parser.parse_args(argv).sections or list(sections)
    if unknown := [section for section in chosen if section not in sections]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    for section in chosen:
        figures = {"measured": record.circumstances()} | sections[section]()
        path = record.write(name, {"sections": _kept(name) | {section: figures}})
        console.print(f"{section}: {path.relative_to(record.ROOT)}")
    return 0


def _kept(name: str) -> dict[str, Any]:
    """Return the sections measured before."""
    path = record.ROOT / "benchmarks" / "results" / f"{name}.json"
    return dict(json.loads(path.read_text())["sections"]) if path.exists() else {}
