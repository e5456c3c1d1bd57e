"""`bitwright report`: the page of a run, from its folder's files."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.")] = Path("runs/latest"),
) -> None:
    """Write the report of a run again as HTML, and print its path."""
    from bitwright.report import render_run

    typer.echo(render_run(folder))
