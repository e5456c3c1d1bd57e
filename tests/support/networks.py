"""Random valid networks from a seed or from hypothesis: one generator for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.support.network_builder import generate
from tests.support.network_parameters import Limits

from bitwright.network import Network

__all__ = ["Limits", "networks", "random_codes", "random_network"]

T = TypeVar("T")


@dataclass(frozen=True)
class SeededChooser:
    """Choices by a numpy generator."""

    rng: np.random.Generator

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high, endpoint=True))

    def choice(self, values: Sequence[T]) -> T:
        return values[self.integer(0, len(values) - 1)]


@dataclass(frozen=True)
class DrawnChooser:
    """Choices by hypothesis."""

    draw: st.DrawFn

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def choice(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(list(values)))


def random_network(seed: int, blocks: int | None = None, limits: Limits | None = None) -> Network:
    """The random network of a seed; ``blocks`` fixes how many blocks lie before its head."""
    rng = np.random.default_rng(seed)
    return generate(SeededChooser(rng), rng, limits or Limits(), blocks)


@st.composite
def networks(draw: st.DrawFn, limits: Limits | None = None) -> Network:
    """Random networks whose structure shrinks towards few, small, plain layers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return generate(DrawnChooser(draw), rng, limits or Limits(), None)


def random_codes(network: Network, count: int, seed: int = 0) -> NDArray[np.int8]:
    """Uniform input codes for ``count`` images, each code of the range possible."""
    output = network.input.output
    rng = np.random.default_rng(seed)
    shape = (count, *network.input.shape)
    return rng.integers(output.low, output.high, shape, np.int8, endpoint=True)
