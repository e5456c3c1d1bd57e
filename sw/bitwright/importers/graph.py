"""The float graph: what an importer makes of a trained network, before any quantization.

Parameters are float64 so that folding loses nothing that float32 had. Shapes are without the
batch, ``(C, H, W)`` or ``(C,)``, as in `bitwright.network`. What a node computes in float is
defined by `bitwright.importers.execute`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom, right."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """What every node has."""

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    """Of the output, without the batch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clamped(Node):
    """A node whose result y leaves as min(max(y, low), high): a fused ReLU, ReLU6 or clamp."""

    low: float = -inf
    high: float = inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input(Node):
    """The network's one input."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conv2d(Clamped):
    """Convolution plus bias; with ``inputs`` (x, r), plus r of the output's shape."""

    weight: Array
    """(O, I / groups, kh, kw)."""
    bias: Array
    """(O,)."""
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear(Clamped):
    """weight x + bias."""

    weight: Array
    """(O, I)."""
    bias: Array
    """(O,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelAffine(Node):
    """y[c] = factor[c] x[c] + offset[c]: batch normalisation in evaluation mode."""

    factor: Array
    """(C,)."""
    offset: Array
    """(C,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clamp(Clamped):
    """A clamp that nothing took in; without bounds, a place for a change of scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxPool2d(Clamped):
    """The greatest of each window; padding never wins."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AvgPool2d(Clamped):
    """sum of each window / divisor; padding counts as zero."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    divisor: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Add(Clamped):
    """a + b, of one shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat(Node):
    """The inputs, one after another along the channels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flatten(Node):
    """(C, H, W) as a vector of C H W, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opaque(Node):
    """An operator without a counterpart; keeps a check going, never reaches a caller."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatGraph:
    """Nodes in topological order: the `Input` first, the output last, every node of use."""

    nodes: tuple[Node, ...]
    notes: tuple[str, ...] = ()
    """What was left to the host, in sentences."""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(f"node {node.name!r}: the name is taken twice")
            missing = [name for name in node.inputs if name not in seen]
            if missing:
                raise ValueError(f"node {node.name!r}: input {missing[0]!r} does not precede it")
            seen.add(node.name)
        if not self.nodes or not isinstance(self.nodes[0], Input):
            raise ValueError("a float graph starts with its Input")

    def __getitem__(self, name: str) -> Node:
        """The node of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def input(self) -> Node:
        """The node that holds the network's input."""
        return self.nodes[0]

    @property
    def output(self) -> Node:
        """The node whose value is the network's result."""
        return self.nodes[-1]

    def uses(self) -> Counter[str]:
        """How often each node is read; being the network's result counts once."""
        counts = Counter(name for node in self.nodes for name in node.inputs)
        counts[self.output.name] += 1
        return counts


def reachable(nodes: Iterable[Node], output: str) -> tuple[Node, ...]:
    """The nodes that ``output`` depends on, in their order; the input is kept in any case."""
    kept: list[Node] = []
    needed = {output}
    for node in reversed(tuple(nodes)):
        if node.name in needed or isinstance(node, Input):
            kept.append(node)
            needed.update(node.inputs)
    return tuple(reversed(kept))
