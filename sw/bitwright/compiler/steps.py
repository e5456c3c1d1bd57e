"""The network as a list of steps the machine takes, each reading and writing views."""

from dataclasses import dataclass

from bitwright.compiler.errors import CompileError
from bitwright.compiler.storage import Storage
from bitwright.network import (
    Add,
    BinaryLinear,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    Network,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation: a layer, or (``layer`` None) a copy of ``source`` to ``target``."""

    layer: Layer | None
    source: str
    second: str | None = None
    """The residual or second operand; it must lie in the other bank than ``source``."""
    target: str

    @property
    def name(self) -> str:
        """What reports call the step."""
        return self.layer.name if self.layer else f"copy:{self.target}"


def list_steps(network: Network, storage: Storage) -> list[Step]:
    """Steps in the network's order; views (flatten, concatenation in place) need none."""
    steps = []
    for layer in network:
        if isinstance(layer, Concat):
            for copy in storage.copies.get(layer.name, ()):
                steps.append(Step(layer=None, source=copy.source, target=copy.target))
            _check_order(layer, storage)
        elif not isinstance(layer, Input | Flatten):
            second = (
                layer.inputs[1] if isinstance(layer, Add | Conv2d) and layer.inputs[1:] else None
            )
            if not isinstance(layer, Linear | BinaryLinear):
                _check_order(layer, storage)
            steps.append(
                Step(layer=layer, source=layer.inputs[0], second=second, target=layer.name)
            )
    return steps


def _check_order(layer: Layer, storage: Storage) -> None:
    orders = [storage.orders[name] for name in layer.inputs if name in storage.orders]
    if isinstance(layer, Add) and any((order != orders[0]).any() for order in orders[1:]):
        raise CompileError(
            layer.name,
            "adds vectors flattened from images of different shapes; their bytes lie in different"
            " orders. Add the images before flattening",
        )
