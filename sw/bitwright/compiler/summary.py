"""What each layer costs: its work, its cycles, and how much of the array they use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bitwright.compiler.cycles import predict
from bitwright.compiler.program import Program
from bitwright.isa import Architecture
from bitwright.network import BinaryConv2d, BinaryLinear, Concat, Conv2d, Flatten, Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """One layer of a program."""

    name: str
    kind: str
    shape: tuple[int, ...]
    macs: int
    """Multiply-accumulates of the network for a batch, without the padding of tiles and words."""
    cycles_model: int
    cycles_rtl: int | None
    """None if none were counted."""
    utilization: float | None
    """Share of the products that the array, or for a binary layer the XNOR engine, makes in the
    counted cycles, else in the predicted ones."""
    fills_array: bool
    """Whether it is a convolution of whole K-words and whole channel tiles."""


def summarize(program: Program, counted: Sequence[int] | None = None) -> tuple[LayerSummary, ...]:
    """One summary per layer; ``counted`` are an image's cycles of each execute instruction."""
    macs = program.network.macs()
    model = predict(program).instructions
    rows = []
    for layer, plan in zip(program.network, program.layers, strict=True):
        # A view takes no cycles of its own: its plan names the instruction that completes it.
        own = () if isinstance(layer, Flatten | Concat) else plan.instructions
        predicted = sum(model[n] for n in own)
        cycles = None if counted is None else sum(int(counted[n]) for n in own)
        rows.append(
            LayerSummary(
                name=layer.name,
                kind=type(layer).__name__,
                shape=layer.shape,
                macs=macs.get(layer.name, 0) * program.batch,
                cycles_model=predicted,
                cycles_rtl=cycles,
                utilization=_share(
                    macs.get(layer.name, 0) * program.batch,
                    predicted if cycles is None else cycles,
                    products_per_cycle(layer, program.architecture),
                ),
                fills_array=_fills(layer, program.architecture),
            )
        )
    return tuple(rows)


def filled_utilization(layers: Iterable[LayerSummary], architecture: Architecture) -> float | None:
    """Share of the array's products that the layers which fill it use, all together."""
    filling = [layer for layer in layers if layer.fills_array]
    cycles = sum(
        layer.cycles_model if layer.cycles_rtl is None else layer.cycles_rtl for layer in filling
    )
    products = architecture.rows * architecture.columns
    return _share(sum(layer.macs for layer in filling), cycles, products)


def products_per_cycle(layer: Layer, architecture: Architecture) -> int:
    """Products a cycle of what computes the layer: the array, or the XNOR engine."""
    if isinstance(layer, BinaryConv2d | BinaryLinear):
        return architecture.rows * 8 * architecture.lanes
    return architecture.rows * architecture.columns


def _share(macs: int, cycles: int, products: int) -> float | None:
    if not macs or not cycles:
        return None
    return macs / (products * cycles)


def _fills(layer: Layer, architecture: Architecture) -> bool:
    if not isinstance(layer, Conv2d) or layer.groups != 1:
        return False
    outputs, depth, _, width = layer.weight.shape
    return bool(outputs % architecture.columns == 0 and depth * width % architecture.lanes == 0)
