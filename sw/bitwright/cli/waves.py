"""`bitwright waves`: the waveform of a layer or of a window of cycles."""

from pathlib import Path
from typing import Annotated

import typer

from bitwright.cli.programs import DEMO, input_codes, load_program


def waves(
    program: Annotated[
        Path, typer.Argument(help="Program (.bwp), or network (.bw) to compile.")
    ] = DEMO,
    arch: Annotated[
        Path | None, typer.Option(help="Architecture (.toml) to compile for, or to insist on.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Show this layer; else the window of cycles.")
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="First cycle of the run to show.")] = 0,
    last: Annotated[int, typer.Option(min=0, help="Last cycle of the run to show.")] = 1000,
    data: Annotated[
        str, typer.Option(help="digits or mnist (its first test image), or random input codes.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="Of the random input codes.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="VCD to write.")] = Path(
        "runs/waves/waves.vcd"
    ),
) -> None:
    """Run one image and write its waveform, with a GTKWave save file beside it."""
    from rich.console import Console

    from bitwright.sim.waves import write_waves

    loaded = load_program(program, arch)
    image = input_codes(loaded, data, 1, seed)[0]
    with Console(stderr=True).status("building the model, then running"):
        written = write_waves(loaded, image, output, layer=layer, window=(first, last))
    shown = f"layer {layer!r}" if layer else "the window"
    typer.echo(f"{written.vcd}: {shown}, cycles {written.first} to {written.last} of the run")
    typer.echo(f"open it with: gtkwave {written.save}")
