"""`bitwright verify`: every output of every layer, RTL against reference."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bitwright.cli.programs import DEMO, input_codes, load_program


def verify(
    program: Annotated[Path, typer.Argument(help="Program (.bwp).")] = DEMO,
    data: Annotated[
        str, typer.Option(help="digits or mnist (test images), or random input codes.")
    ] = "random",
    images: Annotated[int, typer.Option(min=1, help="Images to compare.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the random input codes.")] = 0,
    inject: Annotated[
        str | None,
        typer.Option(help="Put this fault into the RTL first; `list` names them."),
    ] = None,
    replay: Annotated[Path, typer.Option(help="Folder for the replay of a difference.")] = Path(
        "runs/verify"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Compare every layer's every output with the reference; exit 1 at the first difference."""
    from rich.console import Console

    from bitwright import sim
    from bitwright.sim.faults import FAULTS, find_fault

    if inject == "list":
        for fault in FAULTS.values():
            typer.echo(f"{fault.name:10} {fault.description}")
        return
    if inject is not None:
        find_fault(inject)
    loaded = load_program(program, None)
    x = input_codes(loaded, data, images, seed)
    console = Console(stderr=True)
    with console.status("building the model, then comparing") as status:
        found = sim.verify(
            loaded,
            x,
            inject=inject,
            progress=lambda done: status.update(f"{done} of {len(x)} images compared"),
        )
    divergence = found.divergence
    if divergence is not None:
        with console.status("replaying the image with its waveform"):
            sim.write_replay(loaded, x, divergence, replay, inject=inject)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "images": found.images,
                    "layers": found.layers,
                    "outputs": found.outputs,
                    "equal": found.equal,
                    "inject": inject,
                    "divergence": divergence and divergence.to_json(),
                    "machine_error": found.machine_error,
                    "cycles_rtl": found.cycles_rtl,
                    "cycles_model": found.cycles_model,
                    "cycle_errors": found.cycle_errors,
                }
            )
        )
    else:
        if inject is not None:
            typer.echo(f"injected fault {inject}: {FAULTS[inject].description}")
        typer.echo(
            f"{found.images} images, {found.layers} layers, {found.outputs} outputs compared;"
            f" {found.cycles_rtl} cycles counted, {found.cycles_model} predicted"
        )
        if divergence is not None:
            typer.echo(divergence.describe())
            typer.echo(f"  replay: python {replay / 'replay.py'}; waveform {replay / 'window.vcd'}")
        for line in [found.machine_error, *found.cycle_errors]:
            if line:
                typer.echo(line)
        if found.equal:
            typer.echo("0 differing bits")
    raise typer.Exit(0 if found.equal else 1)
