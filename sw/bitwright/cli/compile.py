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
    batch: Annotated[
        int, typer.Option(min=1, max=256, help="Images that go through the machine together.")
    ] = 1,
) -> None:
    """Compile a network and print the cycles each layer will take."""
    from rich.console import Console
    from rich.table import Table

    from bitwright import compiler
    from bitwright.isa import Architecture
    from bitwright.network import Network

    architecture = Architecture() if arch is None else Architecture.load(arch)
    program = compiler.compile(Network.load(network), architecture, batch)
    program.save(output)
    table = Table("layer", "shape", "cycles", box=None)
    for layer in compiler.summarize(program):
        table.add_row(layer.name, "x".join(map(str, layer.shape)), str(layer.cycles_model))
    cycles = compiler.predict(program).total
    of = "image" if batch == 1 else f"batch of {batch} images"
    out = Console()
    out.print(table)
    out.print(
        f"{output}: {len(program.execute)} instructions, {cycles} cycles per {of},"
        f" architecture {architecture.name} ({architecture.hash:016x})",
        highlight=False,
        soft_wrap=True,
    )
