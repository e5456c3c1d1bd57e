"""`bitwright sim`: a program's images on the RTL, as fast as it simulates."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bitwright.cli.programs import DEMO, input_codes, load_program


def sim(
    program: Annotated[
        Path, typer.Argument(help="Program (.bwp), or network (.bw) to compile.")
    ] = DEMO,
    arch: Annotated[
        Path | None, typer.Option(help="Architecture (.toml) to compile for, or to insist on.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="digits or mnist (test images), or random input codes.")
    ] = "random",
    images: Annotated[int, typer.Option(min=1, help="Images to run.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the random input codes.")] = 0,
    models: Annotated[
        int | None, typer.Option(min=1, help="Models at work at once (default: one per core).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Run images on the RTL; outputs and cycles must be the reference's and the model's."""
    from rich.console import Console

    from bitwright.sim.parallel import cores, predicted_cycles, run_batch

    loaded = load_program(program, arch)
    x = input_codes(loaded, data, images, seed)
    with Console(stderr=True).status("building the model, then running"):
        run = run_batch(loaded, x, models=models)
    seconds = run.ended - run.began
    wrong = int((run.outputs != loaded.network.run(x)).sum())
    model = predicted_cycles(loaded, len(x))
    found = {
        "images": len(x),
        "models": models or cores(),
        "cycles_rtl": run.total_cycles,
        "cycles_model": model,
        "stalls": run.stalls,
        "seconds": round(seconds, 3),
        "cycles_per_second": round(run.cycles_per_second),
        "outputs": run.outputs.size,
        "differing": wrong,
        "equal": wrong == 0 and run.total_cycles == model,
    }
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo(
            f"{len(x)} images, {run.total_cycles} cycles in {seconds:.2f} s:"
            f" {run.cycles_per_second / 1000:.0f} thousand cycles per second"
        )
        typer.echo(f"{run.total_cycles} cycles counted, {model} predicted")
        typer.echo(f"{wrong} of {run.outputs.size} output codes differ from the reference")
    raise typer.Exit(0 if found["equal"] else 1)
