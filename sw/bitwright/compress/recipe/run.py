"""A recipe carried out: step after step, measured, checkpointed, resumed."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bitwright.compress.evaluate import evaluate
from bitwright.compress.recipe import checkpoint
from bitwright.compress.recipe.recipe import Recipe
from bitwright.compress.sharing import separate_input
from bitwright.compress.state import State
from bitwright.compress.step import Context
from bitwright.compress.storage import stored
from bitwright.compress.train import one_thread
from bitwright.data import Dataset, Split
from bitwright.importers import FloatGraph, import_program
from bitwright.importers.torch_export import Program
from bitwright.network import Network

Progress = Callable[[str], None]
Cycles = Callable[[Network], int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a recipe has made, and what each step has changed."""

    network: Network
    state: State
    records: tuple[dict[str, Any], ...]
    """Before, after each step, and of the integers, as JSON has it; see `measure`."""
    resumed: int
    """Steps that were taken from checkpoints."""


def run_recipe(
    recipe: Recipe,
    model: Program | FloatGraph,
    dataset: Dataset,
    *,
    folder: Path | None = None,
    progress: Progress = lambda text: None,
    cycles: Cycles | None = None,
    machine: str = "",
) -> Outcome:
    """Carry out a recipe on a trained network; the result depends on the arguments alone.

    With a ``folder``, each step leaves a checkpoint there, and steps whose checkpoint is of this
    very recipe, network and data up to there are not run again. ``cycles`` tells what a network
    costs; it is called for each state that has an integer network. ``machine`` names what the
    cycles are of: checkpoints hold them, and those of another machine are not taken up.

    Raises `RecipeError` before anything runs for layers that do not exist, and what importing
    raises.
    """
    example = torch.from_numpy(dataset.train.take(2).images)
    graph = separate_input(import_program(model, example))
    if graph.input.shape != dataset.shape:
        raise ValueError(
            f"the network takes inputs of shape {graph.input.shape}, but {dataset.name} has "
            f"images of shape {dataset.shape}"
        )
    recipe.check(graph)
    count = len(dataset.test) if recipe.test_images is None else recipe.test_images
    test = dataset.test.take(min(count, len(dataset.test)))
    with one_thread():
        return _run(recipe, graph, dataset, test, folder, progress, cycles, machine)


def _run(
    recipe: Recipe,
    graph: FloatGraph,
    dataset: Dataset,
    test: Split,
    folder: Path | None,
    progress: Progress,
    cycles: Cycles | None,
    machine: str,
) -> Outcome:
    start = (recipe.seed, recipe.test_images, machine)
    keys = [checkpoint.start_key(graph, dataset, start)]
    for step in recipe.steps:
        keys.append(checkpoint.next_key(keys[-1], step))
    state, records, done = _resume(recipe, graph, keys, folder)
    if not records:
        progress("measuring the float network")
        records = [measure("float", state, test, 0.0, None)]
    for number in range(done + 1, len(recipe.steps) + 1):
        step = recipe.steps[number - 1]
        label = f"step {number} of {len(recipe.steps)}, {step.name}"
        progress(label)
        # Each step has a seed of its own: a resumed run draws what an uninterrupted one does.
        context = Context(
            dataset=dataset,
            seed=recipe.seed + number,
            progress=lambda text, label=label: progress(f"{label}: {text}"),  # type: ignore[misc]
        )
        begun = time.perf_counter()
        try:
            state = step.apply(state, context)
        except ValueError as error:
            raise ValueError(f"{recipe.where(number)}: {error}") from error
        seconds = time.perf_counter() - begun
        progress(f"{label}: measuring")
        records = [*records, measure(step.name, state, test, seconds, cycles)]
        if folder is not None:
            checkpoint.save(_path(folder, number, keys), keys[number], state, records)
    network = state.lower()
    progress("measuring the integer network")
    last = measure("integers", state, test, 0.0, cycles)
    last["accuracy"] = evaluate(network, test)
    return Outcome(network=network, state=state, records=(*records, last), resumed=done)


def measure(
    label: str, state: State, test: Split, seconds: float, cycles: Cycles | None
) -> dict[str, Any]:
    """Size, cost and accuracy of a state; the accuracy is that of the simulation in torch."""
    parts = stored(state)
    network = state.lower() if state.activations or state.integers else None
    return {
        "step": label,
        "parameters": sum(part.float_bits for part in parts) // 32,
        "bits": sum(part.bits for part in parts),
        "compression": sum(part.float_bits for part in parts) / sum(part.bits for part in parts),
        "macs": None if network is None else sum(network.macs().values()),
        "cycles": None if network is None or cycles is None else cycles(network),
        "accuracy": accuracy(state, test),
        "seconds": seconds,
        "layers": [asdict(part) | {"bits": part.bits} for part in parts],
    }


def accuracy(state: State, split: Split, batch: int = 500) -> float:
    """The fraction of images that the network, as far as it is quantized, labels right."""
    if state.integers is not None:
        return evaluate(state.integers, split)
    simulated, correct = state.simulated(), 0
    for start in range(0, len(split), batch):
        part = slice(start, start + batch)
        images = split.pixels[part].astype(np.float32) / np.float32(split.full_scale)
        with torch.no_grad():
            answers = simulated(torch.from_numpy(images)).flatten(1).argmax(dim=1).numpy()
        correct += int((answers == split.labels[part]).sum())
    return correct / len(split)


def _resume(
    recipe: Recipe, graph: FloatGraph, keys: list[str], folder: Path | None
) -> tuple[State, list[dict[str, Any]], int]:
    """The latest state that a checkpoint holds, its records, and the steps it stands for."""
    for number in range(len(recipe.steps), 0, -1):
        if folder is None:
            break
        found = checkpoint.load(_path(folder, number, keys), keys[number], graph)
        if found is not None:
            return *found, number
    return State.start(graph), [], 0


def _path(folder: Path, number: int, keys: list[str]) -> Path:
    return folder / f"{number:02}-{keys[number][:16]}.safetensors"
