"""The step `binarize`: a network of bits beside the float one, trained, folded and lowered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from bitwright.compress.augment import Augmentation
from bitwright.compress.distill import Teacher
from bitwright.compress.methods.binary_layers import compute_latent
from bitwright.compress.methods.binary_lower import lower_binary
from bitwright.compress.methods.binary_twin import binary_twin
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require
from bitwright.compress.train import Report, Training, train
from bitwright.data import Dataset

_BITS = range(1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binarize(Step):
    """Train a network of the same layers whose weights and activations have a bit or two.

    It begins anew, with small random weights, a batch normalisation behind each layer and signs
    for activations; the float network is its teacher. Normalisations and signs then fold into
    thresholds of integers, exactly, and nothing comes after. The network must be a chain.

    Sources: M. Courbariaux et al., arXiv:1602.02830 (training with signs); M. Rastegari et al.,
    arXiv:1603.05279; Z. Liu et al., Bi-Real Net, arXiv:1808.00278 (shortcuts); G. Hinton et al.,
    arXiv:1503.02531 (teacher); B. Martinez et al., arXiv:2003.11535, section 4.1 (two stages); Y.
    Umuroglu et al., FINN, arXiv:1612.07119, section 4.2.2 (thresholds).
    """

    name: ClassVar[str] = "binarize"
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.RANGES, Fact.TRAINED, Fact.INTEGERS})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.RANGES: "trains its own activations, and the ranges would be lost",
        Fact.GRIDS: "trains its own weights, and the quantized ones would be lost",
        Fact.PLAN: "has one format for all layers, and the plan would be lost",
    }

    epochs: int = 20
    """Of the last stage."""
    first_stage: int = 0
    """Epochs before it with binary activations, but float weights."""
    learning_rate: float = 5e-3
    """The greatest of a one-cycle schedule, of each stage."""
    batch_size: int = 64
    images: int = 60000
    """Of the training split, at most."""
    weights: str = "binary"
    """binary or ternary."""
    activation_bits: int = 1
    """1, or 2..4 for unsigned codes; the image has as many. Ternary weights need 2 or more."""
    int8: tuple[str, ...] = ()
    """Patterns of layers whose weights and inputs have 8 bits instead: the first, the last."""
    shortcuts: bool = False
    """int8 codes go past the signs of each inner convolution that keeps its image's shape."""
    teacher: float = 0.7
    """The part of the loss that is the divergence from the float network's answers; 0: none."""
    temperature: float = 2.0
    """By which answers are softened before they are compared."""
    shift: float = 0.0
    """Pixels that a training image is moved by, at most."""
    angle: float = 0.0
    """Degrees that it is turned by, at most."""
    zoom: float = 0.0
    """Part of its size that it is grown or shrunk by, at most."""

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "images"):
            require(getattr(self, key) >= 1, f"{key} must be at least 1", getattr(self, key))
        require(self.first_stage >= 0, "first_stage must not be negative", self.first_stage)
        require(self.learning_rate > 0, "learning_rate must be positive", self.learning_rate)
        known = ("binary", "ternary")
        require(self.weights in known, f"weights must be {' or '.join(known)}", self.weights)
        require(
            self.activation_bits in _BITS, "activation_bits must lie in 1..4", self.activation_bits
        )
        require(
            self.weights == "binary" or self.activation_bits > 1,
            "ternary weights need activation_bits of 2 or more",
            self.activation_bits,
        )
        require(
            not self.shortcuts or self.activation_bits == 1,
            "shortcuts pass signs, of activation_bits 1",
            self.activation_bits,
        )
        require(0 <= self.teacher <= 1, "teacher must lie in 0..1", self.teacher)
        require(self.temperature > 0, "temperature must be positive", self.temperature)
        self._augmentation()

    def patterns(self) -> tuple[str, ...]:
        """Those of ``int8``."""
        return self.int8

    def apply(self, state: State, context: Context) -> State:
        """Train and lower."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            model = binary_twin(
                state.graph,
                weights=self.weights,
                activation_bits=self.activation_bits,
                int8=self.int8,
                shortcuts=self.shortcuts,
            )
        dataset = context.limited(self.images)
        training = Training(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=0.0,
            seed=context.seed,
            augmentation=self._augmentation(),
        )
        teacher = None
        if self.teacher:
            teacher = Teacher(
                model=State.start(state.original).simulated(),
                weight=self.teacher,
                temperature=self.temperature,
            )
        train_binary(
            model,
            dataset,
            training,
            first_stage=self.first_stage,
            teacher=teacher,
            progress=lambda progress: context.progress(
                f"epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.3f}, "
                f"validation {progress.accuracy:.2%}"
            ),
        )
        return replace(state, integers=lower_binary(model, dataset.shape))

    def _augmentation(self) -> Augmentation | None:
        found = Augmentation(shift=self.shift, angle=self.angle, zoom=self.zoom)
        return None if found == Augmentation() else found


def train_binary(
    model: nn.Module,
    dataset: Dataset,
    training: Training,
    *,
    first_stage: int = 0,
    teacher: Teacher | None = None,
    progress: Report | None = None,
) -> None:
    """Train ``first_stage`` epochs with binary activations and float weights, then all of it."""
    if first_stage:
        compute_latent(model, latent=True)
        train(model, dataset, replace(training, epochs=first_stage), progress, teacher)
        compute_latent(model, latent=False)
    train(model, dataset, training, progress, teacher)
