"""The quantization methods, each beside its control on the same budget, over several seeds.

`make bench-quant` runs it (python -m benchmarks.quant) and it writes benchmarks/results/quant.json;
`python -m tools.draw_quant` draws the plots of docs/quantization.md from that. A seed trains a
network of its own; accuracies are of the integer network on all test images. A method counts as
better by a lower mean divergence of its answers from the float network's, which tells methods apart
where hardly an image changes sides, and the table shows both.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from statistics import mean, stdev
from typing import Any

import torch
from benchmarks import record
from benchmarks.quant_experiments import EXPERIMENTS, RANGES, Experiment, Steps
from rich.console import Console
from torch import nn

from bitwright.compress import evaluate, train_reference
from bitwright.compress.calibrate import calibrate
from bitwright.compress.methods.mixed import divergence
from bitwright.compress.models import DigitsSeparable, Tfc
from bitwright.compress.recipe import Context
from bitwright.compress.sharing import separate_input
from bitwright.compress.state import State
from bitwright.compress.storage import stored
from bitwright.compress.train import Training, one_thread, train
from bitwright.data import Dataset, load
from bitwright.importers import FloatGraph, export, import_program
from bitwright.zoo import calibration_inputs, module

SEEDS = 3
BUILT = {
    "tfc": (Tfc, Training(epochs=8)),
    "separable": (DigitsSeparable, Training(epochs=12, learning_rate=1e-2)),
}
"""Networks that are no data set's reference, and how they are trained."""
JUDGED = 1000
"""Test images whose answers' divergence is measured."""
DATA = {"resnet": "digits", "separable": "digits", "lenet": "mnist", "tfc": "mnist"}
CALIBRATED = 500
"""Inputs that ResNet-8 is calibrated on."""
LIMIT_SECONDS = 60.0
console = Console(soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"networks trained ({SEEDS})")
    parser.add_argument(
        "--only", default="", help="experiments whose name has this; others stay as they are"
    )
    parser.add_argument("--name", default="quant", help="of the results (default quant)")
    options = parser.parse_args(arguments)
    if not any(options.only in one.name for one in EXPERIMENTS):
        parser.error(f"--only {options.only}: there are {', '.join(e.name for e in EXPERIMENTS)}")
    figures: dict[str, Any] = {"experiments": [], "resnet8_calibration": {}}
    with one_thread():
        figures["resnet8_calibration"] = calibration_time()
        for one in EXPERIMENTS:
            if options.only in one.name:
                found = run(one, options.seeds)
                # Written each time: what is measured stays, whatever comes after.
                kept = before(options.name) | {one.name: found}
                figures["experiments"] = [kept[e.name] for e in EXPERIMENTS if e.name in kept]
                figures["bars"] = bars(figures)
                path = record.write(options.name, figures)
    for bar in figures["bars"]:
        console.print(f"{'met   ' if bar['met'] else 'MISSED'} {bar['text']}: {bar['found']:.4g}")
    console.print(str(path.relative_to(record.ROOT)))
    return 0 if all(bar["met"] for bar in figures["bars"]) else 1


def run(experiment: Experiment, seeds: int) -> dict[str, Any]:
    """Every recipe of an experiment, on every seed's network."""
    console.print(f"[bold]{experiment.name}[/]: {experiment.budget}")
    rows = []
    for label, steps in experiment.recipes.items():
        found = [measure(experiment.network, steps, seed) for seed in range(seeds)]
        row = {"label": label} | {
            key: [one[key] for one in found] for key in ("accuracy", "divergence", "seconds")
        }
        row |= {"bits": mean(one["bits"] for one in found)}
        rows.append(row)
        console.print(
            f"  {label:20} {spread(row['accuracy'], 100)} %   divergence"
            f" {spread(row['divergence'], 1, 4)}   {row['bits']:.2f} bits a weight"
            f"   {mean(row['seconds']):.1f} s"
        )
    return {
        "name": experiment.name,
        "network": experiment.network,
        "data": DATA[experiment.network],
        "budget": experiment.budget,
        "seeds": seeds,
        "float": [float_accuracy(experiment.network, seed) for seed in range(seeds)],
        "rows": rows,
    }


def before(name: str) -> dict[str, Any]:
    """The experiments in the results that are there, by name."""
    path = record.ROOT / "benchmarks" / "results" / f"{name}.json"
    found = json.loads(path.read_text())["experiments"] if path.exists() else []
    return {experiment["name"]: experiment for experiment in found}


def measure(network: str, steps: Steps, seed: int) -> dict[str, float]:
    """A recipe's integer network: accuracy, divergence from float, bits a weight, seconds."""
    graph, dataset = trained(network, seed)
    state, start = State.start(graph), time.perf_counter()
    for number, step in enumerate(steps, 1):
        state = step.apply(state, Context(dataset=dataset, seed=seed + number))
    seconds = time.perf_counter() - start
    parts = stored(state)
    images = torch.from_numpy(dataset.test.take(min(JUDGED, len(dataset.test))).images)
    with torch.no_grad():
        exact = State.start(graph).simulated()(images)
        harm = divergence(exact, state.simulated()(images))
    return {
        "accuracy": evaluate(state.lower(), dataset.test),
        "divergence": harm,
        "bits": sum(p.index_bits for p in parts) / sum(p.weights for p in parts),
        "seconds": seconds,
    }


@cache
def trained_module(network: str, seed: int) -> tuple[nn.Module, Dataset]:
    console.print(f"training {network}, seed {seed}")
    if network not in BUILT:
        return train_reference(DATA[network], seed=seed)
    build, training = BUILT[network]
    dataset = load(DATA[network])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
    return train(model, dataset, replace(training, seed=seed)), dataset


@cache
def trained(network: str, seed: int) -> tuple[FloatGraph, Dataset]:
    model, dataset = trained_module(network, seed)
    program = export(model, dataset.train.images[:2])
    return separate_input(import_program(program)), dataset


@cache
def float_accuracy(network: str, seed: int) -> float:
    model, dataset = trained_module(network, seed)
    return evaluate(model, dataset.test)


def calibration_time() -> dict[str, float]:
    """Seconds of each method on ResNet-8, 4 bits, zero points and all."""
    graph = separate_input(
        import_program(module("resnet8"), calibration_inputs("resnet8", count=2))
    )
    samples = calibration_inputs("resnet8", count=CALIBRATED)
    found = {}
    for method in RANGES:
        start = time.perf_counter()
        calibrate(graph, samples, observer=method, bits=4, symmetric=False)
        found[method] = time.perf_counter() - start
        console.print(f"ResNet-8, {CALIBRATED} inputs, {method}: {found[method]:.1f} s")
    return found


def bars(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The requirements that have figures in this run, and whether they are met."""
    found = []

    def add(text: str, value: float, met: bool) -> None:
        found.append({"text": text, "found": value, "met": met})

    for experiment in figures["experiments"]:
        rows = {row["label"]: row for row in experiment["rows"]}
        if experiment["name"] == "bars-lenet":
            base = mean(experiment["float"])
            for label, limit in (("W4A8, adaround", 0.005), ("W4A8, trained", 0.003)):
                lost = base - mean(rows[label]["accuracy"])
                add(
                    f"LeNet-5 {label}: points lost, at most {100 * limit:g}",
                    100 * lost,
                    lost <= limit,
                )
        if experiment["name"] == "bars-tfc":
            reached = mean(rows["W2A2, trained"]["accuracy"])
            add("TFC 2W2A: accuracy, at least 96.60 %", 100 * reached, reached >= 0.966)
    slowest = max(figures["resnet8_calibration"].values())
    add("ResNet-8 calibration: seconds, at most 60", slowest, slowest <= LIMIT_SECONDS)
    return found


def spread(values: list[float], factor: float, digits: int = 2) -> str:
    """Mean and standard deviation over the seeds."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{factor * mean(values):.{digits}f} +- {factor * deviation:.{digits}f}"


if __name__ == "__main__":
    raise SystemExit(main())
