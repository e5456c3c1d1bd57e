"""FINN's fully connected networks for MNIST in one and two bits, to the published accuracies.

`make bench-binary-train` runs it (python -m benchmarks.binary_train), an hour or more on one core;
with `--only` the other networks stay as they are. It writes benchmarks/results/binary_train.json
and the networks of bits, examples/models/*.bw; `python -m tools.draw_binary` draws the plot of
docs/binary.md. Checkpoints, and networks of two bits, are left in build/binary_train.

A network trains on MNIST's 60,000 training images (the validation split is part of them) for a
number of epochs that is fixed beforehand; the 10,000 test images are looked at once, at the end.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from benchmarks import record
from rich.console import Console
from torch import nn

from bitwright.compress import Training, evaluate, train
from bitwright.compress.augment import Augmentation
from bitwright.compress.distill import Teacher
from bitwright.compress.methods.binarize import train_binary
from bitwright.compress.methods.binary_chain import settle
from bitwright.compress.methods.binary_layers import Latent
from bitwright.compress.methods.binary_lower import lower_binary
from bitwright.compress.methods.binary_twin import RANGE, binary_twin
from bitwright.compress.models import FullyConnected
from bitwright.compress.train import Progress, Report, one_thread
from bitwright.data import Dataset, Split, load
from bitwright.importers import import_program

MODELS = record.ROOT / "examples" / "models"
CHECKPOINTS = record.ROOT / "build" / "binary_train"
LITTLE = Augmentation(shift=1.5, angle=8, zoom=0.08)
MORE = Augmentation(shift=2, angle=10, zoom=0.1)
TEACHER_RATE = 2e-3
TEACHERS: dict[tuple[int, Training], dict[str, Any]] = {}
console = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A network, how it trains, and what FINN's authors and Brevitas publish for it."""

    name: str
    width: int
    published: float
    """Per cent of the test images."""
    weights: str = "binary"
    activation_bits: int = 1
    epochs: int
    first_stage: int = 0
    """Epochs with binary activations but float weights, before these."""
    batch_size: int = 250
    learning_rate: float = 5e-3
    augmentation: Augmentation | None = LITTLE
    teacher_epochs: int = 15
    """Of the float network of the same topology that it learns from; 0 is none."""
    start: str = ""
    """Plan before it whose result it begins at; empty: random weights."""
    seed: int = 0


PLANS = (
    Plan(
        name="tfc-1w1a", width=64, published=93.17, epochs=120, teacher_epochs=0, augmentation=None
    ),
    Plan(name="sfc-1w1a", width=256, published=97.81, epochs=100),
    Plan(
        name="lfc-1w1a",
        width=1024,
        published=98.88,
        epochs=90,
        batch_size=500,
        augmentation=MORE,
        teacher_epochs=0,
    ),
    Plan(
        name="sfc-2w2a",
        width=256,
        published=98.66,
        weights="ternary",
        activation_bits=2,
        epochs=40,
        teacher_epochs=0,
    ),
    Plan(
        name="lfc-1w2a",
        width=1024,
        published=98.99,
        activation_bits=2,
        epochs=22,
        batch_size=500,
        learning_rate=1e-3,
        augmentation=MORE,
        teacher_epochs=0,
        start="lfc-1w1a",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure, write; 1 if a network falls short of the published accuracy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [plan.name for plan in PLANS]
    parser.add_argument("--only", nargs="*", default=names, choices=names, metavar="NETWORK")
    options = parser.parse_args(arguments)
    path = record.ROOT / "benchmarks" / "results" / "binary_train.json"
    rows = {}
    if path.exists():
        rows = {row["name"]: row for row in json.loads(path.read_text())["networks"]}
    with one_thread():
        dataset = whole(load("mnist"))
        for plan in PLANS:
            if plan.name in options.only:
                rows[plan.name] = run(plan, dataset)
                # Written each time: what is trained stays, whatever comes after.
                found = [rows[name] for name in names if name in rows]
                record.write("binary_train", {"networks": found})
    return 0 if all(row["difference"] >= 0 for row in rows.values()) else 1


def run(plan: Plan, dataset: Dataset) -> dict[str, Any]:
    """Train a network and its teacher; save the network of integers; give its figures."""
    start = time.perf_counter()
    torch.manual_seed(plan.seed)
    floating = FullyConnected(plan.width)
    teacher = trained_teacher(plan, floating, dataset)
    model = binary_twin(
        import_program(floating.eval(), torch.zeros(2, *dataset.shape)),
        weights=plan.weights,
        activation_bits=plan.activation_bits,
    )
    if plan.start:
        begin_at(plan.start, model)
    train_binary(
        model,
        dataset,
        settings(plan, plan.epochs, plan.learning_rate),
        first_stage=plan.first_stage,
        teacher=teacher,
        progress=told(plan, "bits", model),
    )
    network = lower_binary(model, dataset.shape)
    # A file has a byte for a weight that is no bit of a binary layer: too much to keep.
    folder = MODELS if plan.activation_bits == 1 else CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / f"{plan.name}.bw")
    settled, integers = evaluate(settle(model), dataset.test), evaluate(network, dataset.test)
    row = asdict(plan) | {
        "accuracy_torch": round(100 * settled, 2),
        "accuracy": round(100 * integers, 2),
        "difference": round(100 * integers - plan.published, 2),
        "teacher_accuracy": None
        if teacher is None
        else round(100 * evaluate(teacher.model, dataset.test), 2),
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }
    console.print(
        f"{plan.name}: {100 * integers:.2f} %, published {plan.published:.2f} %, "
        f"{row['minutes']} minutes"
    )
    return row


def trained_teacher(plan: Plan, model: nn.Module, dataset: Dataset) -> Teacher | None:
    """The float network, which sees the grey image; trained once for plans that agree on it."""
    if not plan.teacher_epochs:
        return None
    training = settings(plan, plan.teacher_epochs, TEACHER_RATE)
    key = (plan.width, training)
    if key not in TEACHERS:
        train(model, dataset, training, told(plan, "teacher", model))
        TEACHERS[key] = model.state_dict()
    model.load_state_dict(TEACHERS[key])
    return Teacher(model=model)


def begin_at(name: str, model: nn.Module) -> None:
    """Take the latent weights and batch normalisations that another plan's training has left.

    Signs become codes of two bits whose middle is where the sign changed; what that adds to the
    next layer's sums, its batch normalisation takes off again.
    """
    path = CHECKPOINTS / f"{name}-bits.pt"
    if not path.exists():
        raise SystemExit(f"{path} is not there; train {name} first")
    left = torch.load(path)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    with torch.no_grad():
        for key, module in model.named_modules():
            if isinstance(module, Latent | nn.BatchNorm1d):
                module.weight.copy_(left[f"{key}.weight"])
            if isinstance(module, nn.BatchNorm1d):
                module.bias.copy_(left[f"{key}.bias"])
        for norm in norms[:-1]:
            norm.bias.add_(RANGE / 2)


def settings(plan: Plan, epochs: int, learning_rate: float) -> Training:
    return Training(
        epochs=epochs,
        batch_size=plan.batch_size,
        learning_rate=learning_rate,
        weight_decay=0.0,
        seed=plan.seed,
        augmentation=plan.augmentation,
        bfloat16=plan.width >= 1024,
    )


def told(plan: Plan, label: str, model: nn.Module) -> Report:
    """Tell of every fifth epoch, and leave the weights in build/binary_train."""

    def tell(progress: Progress) -> None:
        if progress.epoch % 5 == 0 or progress.epoch == progress.epochs:
            CHECKPOINTS.mkdir(parents=True, exist_ok=True)
            torch.save(model.state_dict(), CHECKPOINTS / f"{plan.name}-{label}.pt")
            console.print(
                f"{plan.name}, {label}: epoch {progress.epoch} of {progress.epochs}, loss "
                f"{progress.loss:.4f}, training images {progress.accuracy:.2%}, "
                f"{progress.seconds:.0f} s"
            )

    return tell


def whole(mnist: Dataset) -> Dataset:
    """With all 60,000 training images in the train split, which the published networks have."""
    parts = (mnist.train, mnist.validation)
    everything = Split(
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
    )
    return replace(mnist, train=everything)


if __name__ == "__main__":
    raise SystemExit(main())
