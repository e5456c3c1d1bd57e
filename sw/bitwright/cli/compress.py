"""`bitwright compress`: a trained network into integers, by a recipe."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bitwright.network import Network


def compress(
    model: Annotated[Path, typer.Argument(help="Program written by torch.export.save (.pt2).")],
    recipe: Annotated[Path, typer.Option(help="Steps in order (.toml); see docs/quantization.md.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Network to write (.bw).")],
    data: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    arch: Annotated[
        Path | None,
        typer.Option(
            help="Architecture (.toml) that cycles are of; the default if left out, with an engine"
            " of bits where the recipe needs one."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Of report and checkpoints (default: runs/compress/<recipe>)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Carry out a recipe's steps and write the network, with a report of what each step changed.

    Each step leaves a checkpoint: the same command takes up an interrupted run where it was.
    """
    from datetime import UTC, datetime

    from rich.console import Console

    from bitwright import compiler
    from bitwright.compress.recipe import Binarize, load_recipe, run_recipe
    from bitwright.data import load
    from bitwright.importers import import_program
    from bitwright.isa import Architecture
    from bitwright.report import save_compression

    # Mistakes of the recipe come to light before data and model are read.
    steps = load_recipe(recipe)
    bits = any(isinstance(s, Binarize) and s.activation_bits == 1 for s in steps.steps)
    architecture = Architecture(xnor=bits) if arch is None else Architecture.load(arch)
    if bits and not architecture.xnor:
        raise ValueError(
            f"{recipe} gives a network of bits, and {arch} has no engine for it; set xnor = true "
            "there, or leave out --arch"
        )
    graph, dataset = import_program(model), load(data)
    folder = folder or Path("runs/compress") / recipe.stem

    def cycles(network: "Network") -> int:
        return compiler.predict(compiler.compile(network, architecture)).total

    console = Console(stderr=True)
    with console.status("reading") as status:
        outcome = run_recipe(
            steps,
            graph,
            dataset,
            folder=folder / "checkpoints",
            progress=status.update,
            cycles=cycles,
            machine=f"{architecture.hash:016x}",
        )
    outcome.network.save(output)
    figures = {
        "recipe": recipe.name,
        "model": model.name,
        "data": data,
        "seed": steps.seed,
        "test_images": min(steps.test_images or len(dataset.test), len(dataset.test)),
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "architecture": architecture.name,
        "network_digest": outcome.network.digest,
        "resumed": outcome.resumed,
        "steps": list(outcome.records),
        "speed_up": _speed_up(outcome.records),
        "findings": dict(outcome.state.findings),
    }
    page = save_compression(folder, figures)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    _show(figures, Console())
    typer.echo(f"{output}: digest {outcome.network.digest[:16]}; report {page}")


def _speed_up(records: tuple[dict[str, Any], ...]) -> float:
    """Cycles of the first integer network, float weights as int8, over those of the last."""
    counted = [record["cycles"] for record in records if record["cycles"] is not None]
    return float(counted[0] / counted[-1])


def _show(figures: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    columns = (
        "after",
        "parameters",
        "bits",
        "compression",
        "MACs",
        "cycles",
        "accuracy",
        "seconds",
    )
    table = Table(*columns, box=None)
    for step in figures["steps"]:
        table.add_row(
            step["step"],
            f"{step['parameters']:,}",
            f"{step['bits']:,}",
            f"{step['compression']:.2f}x",
            "" if step["macs"] is None else f"{step['macs']:,}",
            "" if step["cycles"] is None else f"{step['cycles']:,}",
            f"{step['accuracy']:.2%}",
            f"{step['seconds']:.1f}",
        )
    console.print(table)
    if figures["resumed"]:
        console.print(f"{figures['resumed']} steps were taken from checkpoints", highlight=False)
