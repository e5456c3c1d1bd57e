"""`bitwright zoo`: a network of the field as a file, to compile and verify."""

from pathlib import Path
from typing import Annotated

import typer


def zoo(
    name: Annotated[str | None, typer.Argument(help="Network; left out, all are listed.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Network to write (.bw); NAME.bw.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Write a network of the field, with seeded random weights, quantized to int8."""
    from bitwright import zoo as networks

    if name is None:
        for entry in networks.ZOO.values():
            shape = "x".join(map(str, entry.shape))
            typer.echo(f"{entry.name:17} {shape:10} {entry.source}")
        return
    built = networks.build(name, seed)
    path = Path(f"{name}.bw") if output is None else output
    built.save(path)
    macs = sum(built.macs().values())
    typer.echo(f"{path}: {len(built.layers)} layers, {macs} multiply-accumulates per input")
