"""One ATen operator during import: its arguments, checked, and the layers it turns into."""

from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np
import torch
from torch import fx

from bitwright.importers.graph import Array, Flatten, Node, Padding, Pair, Shape
from bitwright.importers.report import Status

AnyNode = TypeVar("AnyNode", bound=Node)


class UnsupportedOperatorError(Exception):
    """Raised by a conversion; carries what the report says."""

    def __init__(self, why: str, suggestion: str) -> None:
        self.why = why
        self.suggestion = suggestion
        super().__init__(f"{why}; {suggestion}")


@dataclass(frozen=True, slots=True)
class Value:
    """An activation: the node that computes it, and the shape the program sees it in."""

    node: str
    shape: Shape
    padding: Padding = (0, 0, 0, 0)
    """Zeros around the node's image that its reader is to add."""


@dataclass(slots=True)
class Verdict:
    """What the report says, unless the simplification folds the operator's node away."""

    status: Status
    why: str
    node: str | None = None


class Operator:
    """The operator at one node of the program; ``nodes`` is the graph built so far."""

    def __init__(
        self,
        *,
        name: str,
        source: fx.Node,
        values: dict[fx.Node, Any],
        nodes: dict[str, Node],
        shape: Shape,
    ) -> None:
        self.name = name
        self.source = source
        self.shape = shape
        """Of the output, without the batch, as torch inferred it."""
        self.verdict = Verdict(Status.UNSUPPORTED, "")
        self._nodes = nodes
        self._arguments = _bind(source, values)

    def argument(self, name: str) -> Any:
        """The argument of that name in the operator's schema; None where it has no such name."""
        return self._arguments.get(name)

    def pair(self, name: str) -> Pair:
        """An argument that is one number for both axes, or one for each."""
        value = self.argument(name)
        values = [value] if isinstance(value, int) else list(value)
        first, second = values if len(values) == 2 else values * 2
        return int(first), int(second)

    def constant(self, name: str) -> Array | None:
        """A parameter of the program as float64; None where the argument is None."""
        value = self.argument(name)
        if value is None:
            return None
        if not isinstance(value, torch.Tensor):
            raise UnsupportedOperatorError(
                f"its {name} is computed from activations, and layers hold constant parameters",
                "use a parameter of the module",
            )
        array: Array = value.detach().cpu().to(torch.float64).numpy()
        if not np.isfinite(array).all():
            raise UnsupportedOperatorError(
                f"its {name} holds a value that is not finite", "train again, or mend the weights"
            )
        return array

    def image(self, name: str) -> Value:
        """An activation (C, H, W)."""
        return self._ranked(self.activation(name), 3, "(N, C, H, W)")

    def padded_image(self, name: str) -> tuple[Value, Padding]:
        """An activation (C, H, W) and the zeros around it, which the caller takes over."""
        value = self.argument(name)
        if not isinstance(value, Value) or not any(value.padding):
            return self.image(name), (0, 0, 0, 0)
        return Value(value.node, self._nodes[value.node].shape), value.padding

    def vector(self, name: str) -> Value:
        """An activation (C,)."""
        return self._ranked(self.activation(name), 1, "(N, C)")

    def activation(self, name: str) -> Value:
        """An activation in the shape its node computes."""
        return self.checked(self.argument(name), name)

    def checked(self, value: Any, name: str) -> Value:
        """``value``, if it is an activation in the shape its node computes."""
        if not isinstance(value, Value):
            raise UnsupportedOperatorError(
                f"its {name} is a constant, not an activation",
                "fold the constant into a bias, a BatchNorm2d or the preprocessing",
            )
        if any(value.padding):
            raise UnsupportedOperatorError(
                "reads an image padded with zeros, and only convolution and average pooling pad",
                "pad in the convolution: padding=",
            )
        computed = self._nodes[value.node].shape
        if value.shape != computed:
            raise UnsupportedOperatorError(
                f"reads a reshape of {_batched(computed)} to {_batched(value.shape)}",
                "flatten(1) is the reshape that is mapped",
            )
        return value

    def emit(self, node: Node, why: str = "") -> Value:
        """Add the node; the operator is mapped, or folded if another node takes it in."""
        if node.shape != self.shape:
            raise AssertionError(f"{node.name}: shape {node.shape}, but torch says {self.shape}")
        self.verdict = Verdict(Status.MAPPED, why or f"as {type(node).__name__}", node.name)
        return self.add(node)

    def add(self, node: Node) -> Value:
        """Add a node beside the operator's own."""
        self._nodes[node.name] = node
        return Value(node.name, node.shape)

    def fold(self, value: Value, why: str) -> Value:
        """The operator is nothing at run time: its result is ``value``."""
        self.verdict = Verdict(Status.FOLDED, why)
        return value

    def leave_to_host(self, value: Value, why: str) -> Value:
        """The operator ends the program and is left out."""
        self.verdict = Verdict(Status.HOST, why)
        return value

    def reshape(self, value: Value) -> Value:
        """``value`` in the operator's shape: nothing, a `Flatten`, or a view not yet settled."""
        if any(value.padding):
            self.checked(value, "input")
        computed = self._nodes[value.node].shape
        if prod(self.shape) != prod(computed):
            raise UnsupportedOperatorError(
                f"reshapes across the batch, from {_batched(computed)} to {_batched(self.shape)}",
                "keep the batch as the first axis: flatten(1)",
            )
        if self.shape == (prod(computed),) and len(computed) == 3:
            return self.emit(Flatten(name=self.name, inputs=(value.node,), shape=self.shape))
        return self.fold(Value(value.node, self.shape), "a view: no element moves")

    def _ranked(self, value: Value, rank: int, wanted: str) -> Value:
        if len(value.shape) != rank:
            raise UnsupportedOperatorError(
                f"reads {_batched(value.shape)}, and its layer takes {wanted}",
                "flatten(1) before Linear" if rank == 1 else "keep images as (N, C, H, W)",
            )
        return value


def _batched(shape: Shape) -> str:
    return f"(N, {', '.join(map(str, shape))})"


def _bind(source: fx.Node, values: dict[fx.Node, Any]) -> dict[str, Any]:
    """The operator's arguments by name, defaults filled in, nodes replaced by their values."""
    schema = source.target._schema  # type: ignore[union-attr]
    bound: dict[str, Any] = {}
    for position, argument in enumerate(schema.arguments):
        if position < len(source.args):
            value: Any = source.args[position]
        elif argument.name in source.kwargs:
            value = source.kwargs[argument.name]
        else:
            value = argument.default_value if argument.has_default_value() else None
        bound[argument.name] = fx.node.map_arg(value, lambda node: values[node])
    return bound
