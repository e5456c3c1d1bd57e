"""The step `qat`: train on with the rounding in the loop, and leave integers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from bitwright.arith import Binary, Ternary, parse
from bitwright.compress.levels import has_levels
from bitwright.compress.methods.calibration import Range, activation_quantization
from bitwright.compress.methods.rounding import fit_grid, round_weights
from bitwright.compress.methods.scaled import EncodedWeight, Scales
from bitwright.compress.methods.trainable import Trainable, plain_outputs
from bitwright.compress.sharing import groups
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require, selected
from bitwright.compress.train import Progress, Training, train
from bitwright.network import Quantization

_STATISTICS = 512
"""Images that batch normalisation is rebuilt from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qat(Step):
    """Train the network with fake quantizers on weights and activations; then drop them.

    The rounding's gradient is taken straight through. Scales are learned with the weights, stay,
    or follow what is observed and are frozen later. With several formats the bits are lowered
    progressively, each stage starting from the one before. Layers named in ``batch_norm`` train
    with a batch normalisation that folds into their weights.

    Sources: Y. Bengio et al., arXiv:1308.3432 (straight through); S. Esser et al.,
    arXiv:1902.08153 (LSQ); B. Jacob et al., arXiv:1712.05877, section 3 (observers, folding);
    M. Courbariaux et al., arXiv:1511.00363, and F. Li et al., arXiv:1605.04711 (binary and ternary
    with latent weights); B. Zhuang et al., arXiv:1711.00205, section 3.2 (progressive bits).
    """

    name: ClassVar[str] = "qat"
    needs: ClassVar[frozenset[Fact]] = frozenset({Fact.RANGES, Fact.GRIDS})
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.TRAINED})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.CORRECTED: "trains on the levels of the format, and a correction has moved them",
        Fact.CODEBOOKS: "trains on the levels of a format, and codebooks have levels of their own",
    }

    epochs: int = 3
    """Of each stage."""
    learning_rate: float = 1e-3
    """The greatest of a one-cycle schedule."""
    batch_size: int = 64
    images: int = 60000
    """Of the training split, at most."""
    scales: str = "learned"
    """learned (LSQ), fixed, or observed."""
    formats: tuple[str, ...] = ()
    """Of the weights, stage after stage, any of docs/formats.md; left out: as they are. Formats of
    blocks train and are stored as such, and the array computes their values as int8 codes."""
    activation_bits: tuple[int, ...] = ()
    """Of the activations, stage after stage; left out: as they are. Input and output stay."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the layers that ``formats`` are of."""
    batch_norm: tuple[str, ...] = ()
    """Patterns of the layers that train with a folded batch normalisation."""
    freeze: float = 0.5
    """Part of a stage after which observed ranges and statistics stay."""

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "images"):
            require(getattr(self, key) >= 1, f"{key} must be at least 1", getattr(self, key))
        require(self.learning_rate > 0, "learning_rate must be positive", self.learning_rate)
        require(0 <= self.freeze <= 1, "freeze must lie in 0..1", self.freeze)
        known = [str(scales) for scales in Scales]
        require(self.scales in known, f"scales must be one of {', '.join(known)}", self.scales)
        for fmt in self.formats:
            parse(fmt)
        for bits in self.activation_bits:
            require(bits in range(2, 9), "activation_bits must lie in 2..8", bits)
        stages = {len(part) for part in (self.formats, self.activation_bits) if part}
        require(
            len(stages) <= 1,
            "formats and activation_bits must have as many stages",
            f"{len(self.formats)} and {len(self.activation_bits)}",
        )

    def patterns(self) -> tuple[str, ...]:
        """Those of ``layers`` and ``batch_norm``."""
        return (*self.layers, *self.batch_norm)

    def apply(self, state: State, context: Context) -> State:
        """Train, stage after stage."""
        stages = max(len(self.formats), len(self.activation_bits), 1)
        for stage in range(stages):
            if self.formats:
                state = self._in_format(state, self.formats[stage])
            if self.activation_bits:
                state = _in_bits(state, self.activation_bits[stage])
            state = self._train(state, context, f"stage {stage + 1} of {stages}, ")
        return state

    def _train(self, state: State, context: Context, label: str) -> State:
        normed = selected(self.batch_norm, layers(state.graph)) if self.batch_norm else []
        outputs = plain_outputs(state, context.samples(_STATISTICS), normed)
        model = Trainable(state, Scales(self.scales), outputs)

        def told(progress: Progress) -> None:
            if progress.epoch >= self.freeze * self.epochs:
                model.freeze()
            context.progress(
                f"{label}epoch {progress.epoch} of {self.epochs}, loss {progress.loss:.3f}, "
                f"validation {progress.accuracy:.2%}"
            )

        training = Training(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=0.0,
            seed=context.seed,
        )
        if self.freeze == 0 and Scales(self.scales) is not Scales.OBSERVED:
            model.freeze()
        train(model, context.limited(self.images), training, told)
        return model.state()

    def _in_format(self, state: State, fmt: str) -> State:
        """The latent weights on the grid of another format."""
        latent, grids, weights = layers(state.original), {}, {}
        if not has_levels(fmt):
            blocks = EncodedWeight(fmt)
            for name in selected(self.layers, latent):
                weight = torch.from_numpy(latent[name].weight).float()
                weights[name] = blocks(weight).double().numpy()
            return state.with_values(weights, fmt)
        plain = isinstance(parse(fmt), Binary | Ternary)
        for name in selected(self.layers, latent):
            grids[name] = fit_grid(latent[name].weight, fmt, method="minmax" if plain else "mse")
            weights[name] = round_weights(latent[name].weight, grids[name])
        return state.with_weights(weights, grids)


def _in_bits(state: State, bits: int) -> State:
    """The same ranges with codes of another width, but for the network's input and output."""
    standing = groups(state.graph)
    edges = {standing[node.name] for node in (state.graph.input, state.graph.output)}
    return replace(
        state,
        activations={
            name: before if standing[name] in edges else _rewidened(before, bits)
            for name, before in state.activations.items()
        },
    )


def _rewidened(before: Quantization, bits: int) -> Quantization:
    low = before.scale * (before.low - before.zero_point)
    high = before.scale * (before.high - before.zero_point)
    symmetric = before.zero_point == 0
    return activation_quantization(Range(low, high), bits, symmetric)
