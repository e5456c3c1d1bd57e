"""`bitwright demo`: from data to a network that is equal in every bit on the RTL, with a report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

IMAGES = {"digits": None, "mnist": 1000}
"""Test images that run on the RTL; None is all."""


def demo(
    data: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images (default: all digits, 1000 of MNIST).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("runs/demo"),
) -> None:
    """Train, quantize, compile, run the test images on the RTL, and compare every layer."""
    if data not in IMAGES:
        raise ValueError(f"--data must be one of {', '.join(IMAGES)}, got {data!r}")
    from rich.console import Console

    from bitwright import compiler, compress, sim
    from bitwright.files import write_whole
    from bitwright.isa import Architecture

    console = Console()
    architecture = Architecture() if arch is None else Architecture.load(arch)
    with console.status(f"training on {data}") as status:
        reference = compress.quantize_reference(
            data,
            images=images or IMAGES[data],
            progress=lambda p: status.update(
                f"training on {data}: epoch {p.epoch} of {p.epochs}, validation {p.accuracy:.2%}"
            ),
        )
    program = compiler.compile(reference.network, architecture)
    out.mkdir(parents=True, exist_ok=True)
    program.network.save(out / "net.bw")
    program.save(out / "net.bwp")
    codes = reference.codes
    with console.status("building the Verilated model") as status:
        measured = sim.measure(
            program,
            codes,
            progress=lambda done: status.update(f"{done} of {len(codes)} images on the RTL"),
        )
    report = {
        "accuracy_float": reference.accuracy_float,
        "accuracy_reference": reference.accuracy_reference,
        **measured.to_json(program, reference.test.labels),
        "data": data,
        "architecture": json.loads(architecture.to_json()),
    }
    write_whole(out / "report.json", json.dumps(report, indent=2) + "\n")
    _show(report, console)
    console.print(f"{out / 'report.json'}", soft_wrap=True)
    raise typer.Exit(0 if measured.found.equal else 1)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _show(report: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    table = Table("layer", "kind", "shape", "MACs", "cycles", "model", "utilisation", box=None)
    for layer in report["layers"]:
        table.add_row(
            layer["name"],
            layer["kind"],
            "x".join(map(str, layer["shape"])),
            str(layer["macs"]),
            str(layer["cycles_rtl"]),
            str(layer["cycles_model"]),
            _percent(layer["utilization"]),
        )
    console.print(table)
    console.print(
        f"{report['images']} images, {report['outputs_compared']} outputs of"
        f" {report['layers_compared']} layers: {report['mismatches']} differ;"
        f" {len(report['cycle_errors'])} instructions' cycles differ from the model\n"
        f"accuracy: float {report['accuracy_float']:.2%}, int8 reference"
        f" {report['accuracy_reference']:.2%}, RTL {report['accuracy_rtl']:.2%}\n"
        f"{report['sim_cycles_per_second']:,.0f} simulated cycles/s; convolutions that fill the"
        f" array use {_percent(report['utilization'])} of it",
        highlight=False,
    )
