"""`bitwright compile`: a network into a program for an architecture."""

from pathlib import Path
from typing import Annotated

import typer


def compile(
    network: Annotated[Path, typer.Argument(help="Network (.bw).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Program to write (.bwp).")],
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
) -> None:
    """Compile a network and print the cycles each layer will take."""
    from rich.console import Console
    from rich.table import Table

    from bitwright import compiler
    from bitwright.isa import Architecture
    from bitwright.network import Network

    architecture = Architecture() if arch is None else Architecture.load(arch)
    program = compiler.compile(Network.load(network), architecture)
    program.save(output)
    table = Table("layer", "shape", "cycles", box=None)
    for layer in compiler.summarize(program):
        table.add_row(layer.name, "x".join(map(str, layer.shape)), str(layer.cycles_model))
    cycles = compiler.predict(program).total
    out = Console()
    out.print(table)
    out.print(
        f"{output}: {len(program.execute)} instructions, {cycles} cycles per image,"
        f" architecture {architecture.name} ({architecture.hash:016x})",
        highlight=False,
        soft_wrap=True,
    )
