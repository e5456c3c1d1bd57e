"""How the ranges of the batches seen become one range.

An observer is a rule without state: `FakeQuantize` holds the range, in its state_dict. Ranges
hold zero, and infinities are left out, as where the range is taken from one tensor.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from bitwright.compress.fake.layout import finite_extremes


class Observer(ABC):
    """A rule; a new one says how a batch's range is found and joined to that of those before."""

    def look(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Give a batch's range, per row: from the least to the greatest."""
        return finite_extremes(matrix, 0)

    @abstractmethod
    def join(self, before: Tensor, batch: Tensor, batches: Tensor) -> Tensor:
        """Give the new end of the range; ``batches`` counts those before, at least one."""


@dataclass(frozen=True, slots=True)
class MinMax(Observer):
    """From the least to the greatest number of all batches."""

    def join(self, before: Tensor, batch: Tensor, batches: Tensor) -> Tensor:
        """Give the end further from zero: both are on the same side of it."""
        return torch.where(batch.abs() > before.abs(), batch, before)


@dataclass(frozen=True, slots=True)
class MovingAverage(Observer):
    """The batches' ends, averaged with weights that fall off exponentially into the past."""

    momentum: float = 0.01
    """The weight of a new batch, 0 .. 1 (exclusive, inclusive)."""

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise ValueError(f"momentum must lie above 0 and up to 1, but is {self.momentum}")

    def join(self, before: Tensor, batch: Tensor, batches: Tensor) -> Tensor:
        """Move by momentum times the difference."""
        return before + self.momentum * (batch - before)


@dataclass(frozen=True, slots=True)
class Percentile(Observer):
    """Each batch's percentiles from both sides, by nearest rank, averaged over the batches.

    Rare extremes are left out, and saturate.
    """

    percentile: float = 99.99
    """How many of a hundred numbers lie within either end, 50 .. 100 (exclusive, inclusive)."""

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise ValueError(
                f"percentile must lie above 50 and up to 100, but is {self.percentile}"
            )

    def look(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Give the numbers of that rank from below and above, or zero if beyond it."""
        count = matrix.shape[1]
        if not count:
            return finite_extremes(matrix, 0)
        rank = max(ceil(count * self.percentile / 100), 1)
        finite = matrix.masked_fill(matrix.isinf(), 0)
        high = finite.kthvalue(rank, 1).values.clamp(min=0)
        low = finite.kthvalue(count + 1 - rank, 1).values.clamp(max=0)
        return low, high

    def join(self, before: Tensor, batch: Tensor, batches: Tensor) -> Tensor:
        """Give the mean of all batches."""
        return before + (batch - before) / (batches + 1)


OBSERVERS: dict[str, type[Observer]] = {
    "minmax": MinMax,
    "average": MovingAverage,
    "percentile": Percentile,
}


def as_observer(observer: Observer | str) -> Observer:
    """Give the observer of that name; ValueError listing the accepted names otherwise."""
    if isinstance(observer, Observer):
        return observer
    if observer not in OBSERVERS:
        raise ValueError(
            f"unknown observer {observer!r}; accepted: {', '.join(OBSERVERS)}, or an Observer"
        )
    return OBSERVERS[observer]()
