"""`bitwright check`: what becomes of every operator of a program."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bitwright.importers import OperatorReport


def check(
    model: Annotated[Path, typer.Argument(help="Program written by torch.export.save (.pt2).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List every operator of a program: mapped, folded, on the host, or unsupported and why.

    Exit code 1 if an operator is unsupported.
    """
    from bitwright import importers

    reports = importers.check(model)
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        _print(reports)
    if any(report.status is importers.Status.UNSUPPORTED for report in reports):
        raise typer.Exit(1)


def _print(reports: "list[OperatorReport]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"mapped": "green", "folded": "cyan", "host": "yellow", "unsupported": "bold red"}
    table = Table("layer", "operator", "status", "why", box=None, pad_edge=False)
    for report in reports:
        why = f"{report.why}; {report.suggestion}" if report.suggestion else report.why
        status = Text(str(report.status), style=styles[report.status])
        table.add_row(Text(report.name), Text(report.operator), status, Text(why))
    counts = Counter(str(report.status) for report in reports)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{counts[status]} {status}" for status in styles))
