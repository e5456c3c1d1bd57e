"""The backbone's figures: exactness, accuracy, utilisation, and speed beside cocotb.

`make bench` runs it (python -m benchmarks.backbone) and it writes benchmarks/results/backbone.json.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks import record
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile, predict
from bitwright.compress import quantize_reference
from bitwright.isa import Architecture
from bitwright.isa.architecture import ROUNDINGS
from bitwright.network import Conv2d, Network
from bitwright.rtl import TOP, Top
from bitwright.sim import RtlMachine, verify
from bitwright.sim.bench import run_bench
from bitwright.sim.parallel import cores, run_batch

RUNS = 5
RANDOM_NETWORKS = 100
console = Console()


def main() -> int:
    """Measure, print, write; 1 if anything is not exact."""
    architecture = Architecture()
    figures: dict[str, Any] = {"architecture": architecture.name, "networks": {}}
    programs: dict[str, tuple[Program, NDArray[np.int8]]] = {}
    for data, count in (("digits", None), ("mnist", 1000)):
        network, x, accuracy = trained(data)
        program = compile(network, architecture)
        programs[data] = program, x
        figures["networks"][data] = {
            **accuracy,
            **exactness(data, program, x[:count]),
            "convolutions": utilisation(network, program),
        }
    figures["random_networks"] = random_exactness()
    figures["simulation"] = simulation(*programs["digits"])
    figures["reference"] = reference(*programs["mnist"])
    path = record.write("backbone", figures)
    console.print(f"{path.relative_to(record.ROOT)}")
    parts = [*figures["networks"].values(), figures["random_networks"]]
    exact = all(p["differing"] == 0 and p["cycles_off"] == 0 for p in parts)
    return 0 if exact else 1


def trained(data: str) -> tuple[Network, NDArray[np.int8], dict[str, Any]]:
    """The quantized reference network of a data set, all its test images, and the accuracies."""
    with console.status(f"training on {data}"):
        reference = quantize_reference(data)
    accuracy = {
        "test_images": len(reference.test),
        "accuracy_float": reference.accuracy_float,
        "accuracy_int8": reference.accuracy_reference,
    }
    lost = 100 * (reference.accuracy_float - reference.accuracy_reference)
    console.print(
        f"{data}: float {reference.accuracy_float:.2%}, int8 without retraining"
        f" {reference.accuracy_reference:.2%} ({lost:+.2f} points lost)",
        highlight=False,
    )
    return reference.network, reference.codes, accuracy


def exactness(name: str, program: Program, x: NDArray[np.int8]) -> dict[str, Any]:
    """Every output of every layer of every image, and every instruction's cycles."""
    with console.status(f"{name} on the RTL"):
        began = time.perf_counter()
        found = verify(program, x)
        seconds = time.perf_counter() - began
    if found.divergence:
        console.print(found.divergence.describe())
    console.print(
        f"{name}: {found.images} images, {found.outputs} outputs of {found.layers} layers:"
        f" {found.differing} differ;"
        f" {len(found.cycle_errors)} cycle counts differ; {seconds:.0f} s",
        highlight=False,
    )
    return {
        "images": found.images,
        "layers": found.layers,
        "outputs_compared": found.outputs,
        "differing": found.differing,
        "cycles_off": len(found.cycle_errors),
        "cycles": found.cycles_rtl,
        "seconds": round(seconds, 1),
    }


def random_exactness() -> dict[str, Any]:
    """The same for random networks on the default array with every rounding."""
    architecture = Architecture(roundings=ROUNDINGS)
    totals = {"networks": RANDOM_NETWORKS, "outputs_compared": 0, "differing": 0, "cycles_off": 0}
    with console.status("random networks") as status:
        for seed in range(RANDOM_NETWORKS):
            status.update(f"random network {seed + 1} of {RANDOM_NETWORKS}")
            network = random_network(seed)
            found = verify(compile(network, architecture), random_codes(network, 3, seed))
            totals["outputs_compared"] += found.outputs
            totals["differing"] += found.differing
            totals["cycles_off"] += len(found.cycle_errors)
    console.print(
        f"{RANDOM_NETWORKS} random networks: {totals['outputs_compared']} outputs,"
        f" {totals['differing']} differ; {totals['cycles_off']} cycle counts differ",
        highlight=False,
    )
    return totals


def utilisation(network: Network, program: Program) -> list[dict[str, Any]]:
    """MACs / (R C cycles) of each convolution, beside a textbook array of the same size.

    The textbook array (the output-stationary model of SCALE-Sim, arXiv:1811.02883, section 3) has
    neither zero padding of K nor overlap: each fold takes K + 2R + C - 2 cycles.
    """
    architecture, macs = program.architecture, network.macs()
    rows, columns = architecture.rows, architecture.columns
    cycles = predict(program).instructions
    table = Table("convolution", "MACs", "cycles", "utilisation", "textbook", "ratio", box=None)
    found = []
    for plan in program.layers:
        layer = network[plan.name]
        if not isinstance(layer, Conv2d) or layer.groups != 1:
            continue
        outputs, depth, kh, kw = layer.weight.shape
        _, height, width = layer.shape
        folds = -(-height * width // rows) * -(-outputs // columns)
        textbook = folds * (depth * kh * kw + 2 * rows + columns - 2)
        own = sum(cycles[n] for n in plan.instructions)
        work = macs[plan.name]
        row = {
            "layer": plan.name,
            "macs": work,
            "cycles": own,
            "utilisation": work / (rows * columns * own),
            "textbook": work / (rows * columns * textbook),
            "fills_array": outputs % columns == 0 and depth * kw % architecture.lanes == 0,
        }
        found.append(row)
        table.add_row(
            row["layer"],
            str(work),
            str(own),
            f"{row['utilisation']:.1%}",
            f"{row['textbook']:.1%}",
            f"{textbook / own:.2f}",
        )
    console.print(table)
    return found


def simulation(program: Program, x: NDArray[np.int8]) -> dict[str, Any]:
    """Simulated cycles per second: of models on all cores, of one model, and under cocotb.

    Cocotb runs in one process, on one core, on the same generated Verilog. All are measured in
    turn, so that load on the machine meets each alike.
    """
    parallel, one, recorded, slow = [], [], [], []
    with RtlMachine(program) as machine:
        for _ in range(RUNS):
            parallel.append(rate(lambda: run_batch(program, x).total_cycles))
            one.append(rate(lambda: machine.run(x).total_cycles))
            recorded.append(rate(lambda: machine.run(x, taps=True).total_cycles))
            slow.append(cocotb_rate(program, x[:2]))
    figures = {
        "cores": cores(),
        "driver_all_cores_cycles_per_second": median(parallel),
        "driver_cycles_per_second": median(one),
        "driver_recording_every_layer": median(recorded),
        "cocotb_cycles_per_second": median(slow),
    }
    many, single, recording, cocotb = list(figures.values())[1:]
    figures["ratio_all_cores"] = many / cocotb
    figures["ratio"] = single / cocotb
    console.print(
        f"simulation, cycles/s: a model on each of {figures['cores']} cores {many:,.0f}, one model"
        f" {single:,.0f} ({recording:,.0f} recording every layer), cocotb in one process on the"
        f" same program {cocotb:,.0f}: {many / cocotb:.1f}x and {single / cocotb:.1f}x",
        highlight=False,
    )
    return figures


def rate(run: Callable[[], int]) -> float:
    """Simulated cycles per second of wall time, all that a run needs included."""
    began = time.perf_counter()
    return run() / (time.perf_counter() - began)


def cocotb_rate(program: Program, x: NDArray[np.int8]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        program.save(Path(folder) / "net.bwp")
        np.save(Path(folder) / "images.npy", x)
        run_bench(
            "benchmarks.same_work",
            Top(program.architecture),
            TOP,
            assertions=False,
            environment={
                "PYTHONPATH": os.pathsep.join([str(record.ROOT), *filter(None, sys.path)]),
                "PROGRAM": str(Path(folder) / "net.bwp"),
                "IMAGES": str(Path(folder) / "images.npy"),
                "RESULT": str(result),
            },
        )
        measured = json.loads(result.read_text())
    return float(measured["cycles"] / measured["seconds"])


def reference(program: Program, x: NDArray[np.int8]) -> dict[str, Any]:
    """Images per second of the numpy reference on LeNet-5, and of torch's float network beside."""
    network, batch = program.network, x[:2000]
    network.run(batch[:100])
    found = []
    for _ in range(RUNS):
        began = time.perf_counter()
        network.run(batch)
        found.append(len(batch) / (time.perf_counter() - began))
    figures = {"lenet5_images_per_second": median(found)}
    console.print(f"reference: LeNet-5 at {median(found):,.0f} images/s", highlight=False)
    return figures


if __name__ == "__main__":
    raise SystemExit(main())
