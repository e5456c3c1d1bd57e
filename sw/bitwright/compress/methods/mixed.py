"""The step `mixed`: what each layer bears, and a format for each so that all fit a budget."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from bitwright.arith import Binary, Ternary, parse
from bitwright.compress.levels import levels as levels_of
from bitwright.compress.methods.rounding import fit_grid, round_weights
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context, Fact, Step, require

Harm = dict[str, dict[str, float]]
"""By layer and format."""


def index_bits(fmt: str) -> int:
    """Bits of a weight in a format."""
    return ceil(log2(len(levels_of(fmt))))


def divergence(before: Tensor, after: Tensor) -> float:
    """Mean KL divergence of the answers' probabilities from what they were, in nats."""
    p, q = log_softmax(before.double(), 1), log_softmax(after.double(), 1)
    return float((p.exp() * (p - q)).sum(1).mean())


def plan(
    harm: Harm, sizes: Mapping[str, int], formats: tuple[str, ...], budget: float
) -> dict[str, str]:
    """A format per layer, of at most ``budget`` bits per weight on average.

    All layers begin with the widest format; then, step by step, the layer that pays least harm per
    bit saved takes the next narrower one, until the budget is kept. What the last step has saved
    too much goes to those that gain most of it.

    >>> harm = {"a": {"int8": 0.0, "int2": 9.0}, "b": {"int8": 0.0, "int2": 0.1}}
    >>> plan(harm, {"a": 10, "b": 10}, ("int8", "int2"), 5.0)
    {'a': 'int8', 'b': 'int2'}
    """
    order = sorted(formats, key=index_bits, reverse=True)
    widths = [index_bits(fmt) for fmt in order]
    place = dict.fromkeys(sizes, 0)

    def bits() -> int:
        return sum(sizes[name] * widths[at] for name, at in place.items())

    def price(name: str) -> float:
        at = place[name]
        saved = sizes[name] * (widths[at] - widths[at + 1])
        return (harm[name][order[at + 1]] - harm[name][order[at]]) / saved

    def gain(name: str) -> float:
        return harm[name][order[place[name]]] - harm[name][order[place[name] - 1]]

    while bits() > budget * sum(sizes.values()):
        open_ = [name for name, at in place.items() if at + 1 < len(order)]
        place[min(open_, key=price)] += 1
    while True:
        room = budget * sum(sizes.values()) - bits()
        wider = [
            name
            for name, at in place.items()
            if at > 0 and sizes[name] * (widths[at - 1] - widths[at]) <= room
        ]
        if not wider:
            break
        place[max(wider, key=gain)] -= 1
    return {name: order[at] for name, at in place.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed(Step):
    """Choose a format per layer from a sensitivity analysis; the step `quantize` then rounds.

    Each layer alone is rounded to each format; the harm is the divergence of the network's answers
    on sample images.

    Sources: Z. Dong et al., HAWQ, arXiv:1905.03696, for the idea; Y. Cai et al., ZeroQ,
    arXiv:2001.00281, section 3.2, for the divergence and the budget.
    """

    name: ClassVar[str] = "mixed"
    gives: ClassVar[frozenset[Fact]] = frozenset({Fact.PLAN})
    forbids: ClassVar[Mapping[Fact, str]] = {
        Fact.GRIDS: "plans formats for float weights, and they are quantized"
    }

    budget: float = 4.0
    """Bits per weight, on average."""
    formats: tuple[str, ...] = ("int8", "int6", "int4", "int3", "int2")
    images: int = 256
    """Of the training split."""

    def __post_init__(self) -> None:
        require(len(self.formats) >= 2, "formats must be two or more", list(self.formats))
        widths = [index_bits(fmt) for fmt in self.formats]
        require(len(set(widths)) == len(widths), "formats must differ in bits", list(self.formats))
        require(
            self.budget >= min(widths),
            f"budget must be at least the {min(widths)} bits of the narrowest format",
            self.budget,
        )
        require(self.images >= 1, "images must be at least 1", self.images)

    def apply(self, state: State, context: Context) -> State:
        """Round each layer alone, measure, and plan."""
        samples, known = context.samples(self.images), layers(state.graph)
        with torch.no_grad():
            exact = state.simulated()(samples)
            harm: Harm = {}
            for name, layer in known.items():
                context.progress(name)
                harm[name] = {}
                for fmt in self.formats:
                    plain = isinstance(parse(fmt), Binary | Ternary)
                    grid = fit_grid(layer.weight, fmt, method="minmax" if plain else "mse")
                    tried = state.with_weights({name: round_weights(layer.weight, grid)})
                    harm[name][fmt] = divergence(exact, tried.simulated()(samples))
        sizes = {name: layer.weight.size for name, layer in known.items()}
        chosen = plan(harm, sizes, self.formats, self.budget)
        finding: dict[str, Any] = {"formats": list(self.formats), "harm": harm, "plan": chosen}
        finding["bits"] = mean_bits(chosen, sizes)
        return replace(state.with_finding("sensitivity", finding), formats=chosen)


def mean_bits(chosen: Mapping[str, str], sizes: Mapping[str, int]) -> float:
    """Bits per weight of a plan."""
    widths = np.array([index_bits(chosen[name]) for name in sizes])
    return float(np.average(widths, weights=list(sizes.values())))
