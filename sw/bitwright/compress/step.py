"""What a step of a recipe is: a name, parameters, what must come before, and what it does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import torch
from torch import Tensor

from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.data import Dataset
from bitwright.importers.graph import FloatGraph


class Fact(StrEnum):
    """What is so after some steps; steps need and forbid facts."""

    RANGES = "ranges of the activations"
    GRIDS = "quantized weights"
    CORRECTED = "weights off their format's levels"
    CODEBOOKS = "codebooks"
    TRAINED = "weights trained as quantized"
    PLAN = "a plan of formats"
    CODED = "Huffman-coded weights"
    INTEGERS = "the network of integers"
    """After which no step comes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """What a step is given beside the network."""

    dataset: Dataset
    seed: int = 0
    progress: Callable[[str], None] = lambda text: None
    """Called with a sentence on how far the step is."""

    def samples(self, count: int) -> Tensor:
        """The first ``count`` training images, or all: (N, C, H, W) in 0 .. 1."""
        return torch.from_numpy(self.limited(count).train.images)

    def limited(self, count: int) -> Dataset:
        """The data with the first ``count`` training images, or all."""
        few = self.dataset.train.take(min(count, len(self.dataset.train)))
        return replace(self.dataset, train=few)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(ABC):
    """A method with its parameters, checked when it is made; the fields are the recipe's keys."""

    name: ClassVar[str]
    needs: ClassVar[frozenset[Fact]] = frozenset()
    forbids: ClassVar[Mapping[Fact, str]] = {}
    """Facts under which the step makes no sense, and why."""
    gives: ClassVar[frozenset[Fact]] = frozenset()

    def needed(self) -> frozenset[Fact]:
        """What must be so before, with these parameters."""
        return self.needs

    @abstractmethod
    def apply(self, state: State, context: Context) -> State:
        """The network after the step."""

    def patterns(self) -> tuple[str, ...]:
        """The patterns of layers' names that the step was given."""
        return tuple(getattr(self, "layers", ()))

    def check(self, graph: FloatGraph) -> None:
        """Raise ValueError for what does not fit the network."""
        for pattern in self.patterns():
            match(pattern, layers(graph))


def match(pattern: str, known: Mapping[str, Any]) -> list[str]:
    """The names that a pattern such as ``conv*`` matches; ValueError naming the nearest if none.

    >>> match("conv*", {"conv1": 0, "fc": 1})
    ['conv1']
    """
    found = [name for name in known if fnmatchcase(name, pattern)]
    if not found:
        near = get_close_matches(pattern.strip("*?"), known, n=3, cutoff=0.4)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ValueError(f"{pattern!r} matches no layer of {', '.join(known)}{hint}")
    return found


def selected(patterns: tuple[str, ...], known: Mapping[str, Any]) -> list[str]:
    """The names that any of the patterns matches, in the order of ``known``."""
    wanted = {name for pattern in patterns for name in match(pattern, known)}
    return [name for name in known if name in wanted]


def require(good: bool, rule: str, value: object) -> None:
    """Raise ValueError with the rule and the value that broke it."""
    if not good:
        raise ValueError(f"{rule}, not {value}")
