"""Seeded training of a classifier on a data set that fits in memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from bitwright.compress.augment import Augmentation
from bitwright.compress.distill import Teacher
from bitwright.compress.evaluate import evaluate
from bitwright.compress.models import DigitsResNet, LeNet5
from bitwright.data import Dataset, load


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How to train: AdamW under a one-cycle schedule of the learning rate."""

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 3e-3
    """The schedule's greatest."""
    weight_decay: float = 1e-2
    seed: int = 0
    augmentation: Augmentation | None = None
    """Applied to all training images anew before each epoch."""
    bfloat16: bool = False
    """Products in bfloat16, twice as fast where the processor has them; the rest in float32. Of
    signs they are exact but for sums beyond 512, which round."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(
                f"needs at least 1 epoch and batches of 2, not {self.epochs} and {self.batch_size}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a progress callback gets after each epoch."""

    epoch: int
    """1 .. epochs."""
    epochs: int
    loss: float
    """Mean over the epoch's training images."""
    accuracy: float
    """On the validation split, 0 .. 1."""
    seconds: float
    """Since the start of the training."""


Report = Callable[[Progress], None]


def train(
    model: nn.Module,
    dataset: Dataset,
    training: Training,
    progress: Report | None = None,
    teacher: Teacher | None = None,
) -> nn.Module:
    """The same model, trained on the train split and in evaluation mode.

    The loss is the cross-entropy, or with a teacher what its ``loss`` says.

    It runs on one thread: small batches gain little from more, lose tenfold where cores are
    shared, and equal seeds so give equal weights whatever the number of cores. torch's random
    state and threads are as before afterwards. The test split is not looked at.
    """
    start = time.perf_counter()
    images = torch.from_numpy(dataset.train.images)
    labels = torch.from_numpy(dataset.train.labels)
    # A last batch of one image would have no variance to normalise by: it is left out.
    batches = len(images) // training.batch_size
    if not batches:
        raise ValueError(f"{len(images)} images make no batch of {training.batch_size}")
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=training.learning_rate, total_steps=training.epochs * batches
    )
    random = np.random.default_rng(training.seed)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(training.seed)
        for epoch in range(1, training.epochs + 1):
            model.train()
            order = torch.from_numpy(random.permutation(len(images)))
            seen = images
            if training.augmentation is not None:
                seen = training.augmentation.apply(images)
            total = 0.0
            for batch in order[: batches * training.batch_size].view(batches, -1):
                inputs = seen[batch]
                with torch.autocast("cpu", torch.bfloat16, enabled=training.bfloat16):
                    logits = model(inputs)
                    if teacher is None:
                        loss = nn.functional.cross_entropy(logits, labels[batch])
                    else:
                        loss = teacher.loss(logits, labels[batch], inputs)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                total += loss.item()
            model.eval()
            if progress is not None:
                progress(
                    Progress(
                        epoch=epoch,
                        epochs=training.epochs,
                        loss=total / batches,
                        accuracy=evaluate(model, dataset.validation),
                        seconds=time.perf_counter() - start,
                    )
                )
    return model


@contextmanager
def one_thread() -> Iterator[None]:
    """With torch on one thread; as many as before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A data set's network and how it is trained."""

    build: Callable[[], nn.Module]
    training: Training


REFERENCES = {
    "digits": Reference(build=DigitsResNet, training=Training(epochs=20)),
    "mnist": Reference(build=LeNet5, training=Training(epochs=8)),
}


def train_reference(
    name: str, *, seed: int = 0, progress: Report | None = None
) -> tuple[nn.Module, Dataset]:
    """The data set ``name`` and its network, trained: DigitsResNet on digits, LeNet5 on mnist."""
    dataset = load(name)
    reference = REFERENCES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = reference.build()
    return train(model, dataset, replace(reference.training, seed=seed), progress), dataset
