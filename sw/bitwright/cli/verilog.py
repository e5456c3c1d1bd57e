"""`bitwright verilog`: the accelerator as Verilog text."""

from pathlib import Path
from typing import Annotated

import typer


def verilog(
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
    technology: Annotated[
        str, typer.Option(help="portable, or ecp5: with that family's cells instantiated.")
    ] = "portable",
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "build/accelerator.v"
    ),
) -> None:
    """Generate the accelerator's Verilog."""
    from bitwright.files import write_whole
    from bitwright.isa import Architecture
    from bitwright.rtl import generate

    architecture = Architecture() if arch is None else Architecture.load(arch)
    text = generate(architecture, technology)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, text)
    typer.echo(f"{output}: architecture {architecture.name} ({architecture.hash:016x})")
