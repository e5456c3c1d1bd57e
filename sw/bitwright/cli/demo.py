"""`bitwright demo`: from data to a network that is equal in every bit on the RTL, with a report."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bitwright.compress import QuantizedReference
    from bitwright.isa import Architecture

IMAGES = {"digits": None, "mnist": 1000}
"""Test images that run on the RTL; None is all."""
MODELS = ("tfc", "sfc", "lfc")
"""Networks of bits for MNIST, trained already: `examples/models/<name>-1w1a.bw`."""
MODEL_FOLDER = Path("examples/models")
MODEL_ARCHITECTURE = Path("examples/arch/8x8-xnor.toml")
MODEL_BATCH = 64
"""Images that go through the machine together: weights are fetched once for eight rows of each."""
WAVEFORM = "waveform.vcd"


def demo(
    data: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    model: Annotated[
        str | None,
        typer.Option(help="tfc, sfc or lfc: a trained network of bits for MNIST, in its place."),
    ] = None,
    arch: Annotated[
        Path | None,
        typer.Option(
            help="Architecture (.toml); the default accelerator if left out, with --model 8x8-xnor."
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(
            min=1, help="Test images (default: all digits, 1000 of MNIST, all with --model)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the training.")] = 0,
    inject: Annotated[
        str | None,
        typer.Option(help="Put this fault into the RTL; `bitwright verify --inject list`."),
    ] = None,
    silicon: Annotated[
        bool,
        typer.Option(help="Route a 4x4 accelerator, or the engine of bits, on an ECP5: minutes."),
    ] = True,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("runs/demo"),
) -> None:
    """Train, quantize, compile, run the test images on the RTL, and compare every layer.

    With --model the network is trained and quantized already, to weights and activations of a bit.
    Writes report.json and report.html and lets runs/latest point at the folder. Exit code 1 if a
    bit or a cycle differs.
    """
    if data not in IMAGES:
        raise ValueError(f"--data must be one of {', '.join(IMAGES)}, got {data!r}")
    if model is not None:
        _check_model(model)
        data, arch = "mnist", arch or MODEL_ARCHITECTURE
    from rich.console import Console

    from bitwright import compiler, report, sim
    from bitwright.cli.demo_summary import print_summary
    from bitwright.isa import Architecture
    from bitwright.sim.faults import find_fault
    from bitwright.sim.toolchain import versions

    if inject is not None:
        find_fault(inject)
    console = Console()
    architecture = Architecture() if arch is None else Architecture.load(arch)
    reference = _reference(model, data, images, seed, console)
    program = compiler.compile(
        reference.network, architecture, batch=1 if model is None else MODEL_BATCH
    )
    codes, test = reference.codes, reference.test
    with console.status("building the Verilated model") as status:
        measured = sim.measure(
            program,
            codes,
            inject=inject,
            progress=lambda done: status.update(f"{done} of {len(codes)} images on the RTL"),
        )
    out.mkdir(parents=True, exist_ok=True)
    found = measured.found
    waveform = None
    if found.machine_error is None:
        with console.status("building the model that writes waveforms"):
            recording = sim.record_moment(
                program, codes, found.divergence, out / WAVEFORM, inject=inject
            )
        waveform = {"file": WAVEFORM} | asdict(recording)
    figures = report.collect(
        program,
        measured.to_json(program, test.labels),
        data=data,
        seed=seed,
        injected=inject,
        accuracies={
            "accuracy_float": reference.accuracy_float,
            "accuracy_reference": reference.accuracy_reference,
        },
        waveform=waveform,
        silicon=_routed(silicon, None if model is None else architecture, console),
        tools=versions(),
    )
    examples = report.choose_examples(test.pixels, test.full_scale, test.labels, measured.answers)
    page = report.save_run(out, program, figures, examples)
    report.mark_latest(out)
    print_summary(figures, console)
    divergence = found.divergence and found.divergence.describe()
    for line in (divergence, found.machine_error, *found.cycle_errors):
        if line:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{page}", soft_wrap=True)
    raise typer.Exit(0 if found.equal else 1)


def _reference(
    model: str | None, data: str, images: int | None, seed: int, console: "Console"
) -> "QuantizedReference":
    """The trained network, or one trained now, with the images to run."""
    from bitwright import compress

    if model is not None:
        with console.status(f"the reference on {data}"):
            return compress.load_reference(_path(model), data, images=images)
    with console.status(f"training on {data}") as status:
        return compress.quantize_reference(
            data,
            images=images or IMAGES[data],
            seed=seed,
            progress=lambda p: status.update(
                f"training on {data}: epoch {p.epoch} of {p.epochs}, validation {p.accuracy:.2%}"
            ),
        )


def _routed(asked: bool, engine_of: "Architecture | None", console: "Console") -> dict[str, Any]:
    """The small accelerator on a chip, or the engine of bits of an architecture."""
    from bitwright.cli.demo_silicon import not_routed, route_small, route_xnor

    if not asked:
        return not_routed("not asked for")
    with console.status("synthesizing") as status:
        if engine_of is None:
            return route_small(lambda now: status.update(f"a 4x4 accelerator, {now}"))
        return route_xnor(engine_of, lambda now: status.update(f"the engine, {now}"))


def _path(model: str) -> Path:
    return MODEL_FOLDER / f"{model}-1w1a.bw"


def _check_model(model: str) -> None:
    if model not in MODELS:
        raise ValueError(f"--model must be one of {', '.join(MODELS)}, got {model!r}")
    if not _path(model).is_file():
        raise ValueError(
            f"{_path(model)} is not here; run the demo of {model!r} in a clone of bitwright, where "
            "the trained networks lie"
        )
