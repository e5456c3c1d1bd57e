"""`bitwright demo`: from data to a network that is equal in every bit on the RTL, with a report."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bitwright.compiler import Program
    from bitwright.sim import RtlRun

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

    from bitwright import compiler
    from bitwright.isa import Architecture

    console = Console()
    architecture = Architecture() if arch is None else Architecture.load(arch)
    network, accuracies, split = _network(data, images or IMAGES[data], console)
    program = compiler.compile(network, architecture)
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / "net.bw")
    program.save(out / "net.bwp")
    report = accuracies | _compare(program, split, console)
    report["data"] = data
    report["architecture"] = json.loads(architecture.to_json())
    partial = out / f".report.{os.getpid()}"
    partial.write_text(json.dumps(report, indent=2) + "\n")
    partial.replace(out / "report.json")
    _show(report, console)
    console.print(f"{out / 'report.json'}", soft_wrap=True)
    exact = report["mismatches"] == 0 and report["cycle_errors"] == 0
    raise typer.Exit(0 if exact and report["cycles_rtl"] == report["cycles_model"] else 1)


def _network(data: str, count: int | None, console: "Console") -> tuple[Any, dict[str, Any], Any]:
    """The trained and quantized network, its accuracies, and the test images to run."""
    from bitwright.compress import encode, evaluate, quantize, train_reference
    from bitwright.importers import export

    with console.status(f"training on {data}") as status:
        model, dataset = train_reference(
            data,
            progress=lambda p: status.update(
                f"training on {data}: epoch {p.epoch} of {p.epochs}, validation {p.accuracy:.2%}"
            ),
        )
        program = export(model, dataset.train.images[:2])
        network = quantize(program, dataset.train.take(min(512, len(dataset.train))).images)
    test = dataset.test
    chosen = test if count is None else test.take(min(count, len(test)))
    # All three accuracies are of the images that run on the RTL.
    accuracies = {
        "accuracy_float": evaluate(model, chosen),
        "accuracy_reference": evaluate(network, chosen),
    }
    return network, accuracies, (encode(chosen.images, network.input.output), chosen.labels)


def _compare(program: "Program", split: Any, console: "Console") -> dict[str, Any]:
    """Run the images on the RTL and set every layer against the reference."""
    import numpy as np
    from rich.progress import Progress

    from bitwright.compiler import predict
    from bitwright.sim import RtlMachine

    codes, labels = split
    with console.status("building the Verilated model"):
        machine = RtlMachine(program)
    mismatches = compared = correct = cycle_errors = cycles_rtl = cycles_model = 0
    counted = np.zeros(len(program.execute), np.int64)
    seconds = 0.0
    batch = 60
    with Progress(console=console, transient=True) as bar, machine:
        task = bar.add_task("images on the RTL", total=len(codes))
        for start in range(0, len(codes), batch):
            x = codes[start : start + batch]
            began = time.perf_counter()
            run: RtlRun = machine.run(x, taps=True)
            seconds += time.perf_counter() - began
            _, expected = program.network.run(x, taps=True)
            mismatches += sum(int((expected[n] != run.taps[n]).sum()) for n in expected)
            compared += sum(c.size for c in expected.values())
            answers = run.outputs.reshape(len(x), -1).argmax(axis=1)
            correct += int((answers == labels[start : start + batch]).sum())
            prediction = predict(program, len(x))
            cycles_rtl += run.total_cycles
            cycles_model += prediction.total
            cycle_errors += int((run.cycles != prediction.cycles).sum())
            counted = run.cycles[-1].astype(np.int64)
            bar.advance(task, len(x))
    layers = _layers(program, counted)
    filling = [layer for layer in layers if layer["fills_array"]]
    return {
        "images": len(codes),
        "mismatches": mismatches,
        "outputs_compared": compared,
        "layers_compared": len(program.layers),
        "accuracy_rtl": correct / len(codes),
        "cycles_model": cycles_model,
        "cycles_rtl": cycles_rtl,
        "cycle_errors": cycle_errors,
        "utilization": _ratio(filling, program) if filling else None,
        "sim_cycles_per_second": cycles_rtl / seconds,
        "layers": layers,
    }


def _layers(program: "Program", counted: Any) -> list[dict[str, Any]]:
    """Each layer's work, cycles predicted and counted, and share of the array's products."""
    from bitwright.compiler import predict
    from bitwright.network import Concat, Conv2d, Flatten

    macs = program.network.macs()
    model = predict(program).instructions
    size = program.architecture.rows * program.architecture.columns
    rows = []
    for layer, plan in zip(program.network, program.layers, strict=True):
        # A view takes no cycles of its own: its plan names the instruction that completes it.
        own = () if isinstance(layer, Flatten | Concat) else plan.instructions
        cycles = int(sum(counted[n] for n in own))
        work = macs.get(layer.name, 0)
        fills = False
        if isinstance(layer, Conv2d) and layer.groups == 1:
            outputs, depth, kh, kw = layer.weight.shape
            lanes, columns = program.architecture.lanes, program.architecture.columns
            # What fills the array: whole K-words in a kernel line, and whole channel tiles.
            fills = outputs % columns == 0 and depth * kw % lanes == 0 and kh > 0
        rows.append(
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "shape": list(layer.shape),
                "macs": work,
                "cycles_model": int(sum(model[n] for n in own)),
                "cycles_rtl": cycles,
                "utilization": work / (size * cycles) if work and cycles else None,
                "fills_array": fills,
            }
        )
    return rows


def _ratio(layers: list[dict[str, Any]], program: "Program") -> float:
    size = program.architecture.rows * program.architecture.columns
    return float(sum(x["macs"] for x in layers) / (size * sum(x["cycles_rtl"] for x in layers)))


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
        f" {report['cycle_errors']} instructions' cycles differ from the model\n"
        f"accuracy: float {report['accuracy_float']:.2%}, int8 reference"
        f" {report['accuracy_reference']:.2%}, RTL {report['accuracy_rtl']:.2%}\n"
        f"{report['sim_cycles_per_second']:,.0f} simulated cycles/s; convolutions that fill the"
        f" array use {_percent(report['utilization'])} of it",
        highlight=False,
    )
