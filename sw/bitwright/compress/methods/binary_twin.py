"""The binary network of a float network's shape: the same layers, of one bit each."""

from collections import OrderedDict

from torch import nn

from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_layers import (
    SHORTCUT_STEP,
    BiReal,
    LowBitConv2d,
    LowBitLinear,
    Signs,
)
from bitwright.compress.step import selected
from bitwright.importers import graph as floats

LOGITS_STEP = 0.125
"""Of the int8 codes that a network's answers become: they reach 16, e^16 times the least likely."""
INT8_STEP = 1 / 32
"""Of int8 codes between layers, which batch normalisation keeps around -1..1: they reach 4."""
RANGE = 2.0
"""What activations of more than a bit reach, from zero."""


def binary_twin(
    graph: floats.FloatGraph,
    *,
    weights: str = "binary",
    activation_bits: int = 1,
    int8: tuple[str, ...] = (),
    shortcuts: bool = False,
) -> nn.Sequential:
    """Weights of one or two bits in place of floats, and bits between the layers.

    ``weights`` is binary or ternary. With ``activation_bits`` 1 each layer but the last becomes
    signs, behind a batch normalisation and in place of its activation, and the image signs at half
    its range; with 2..4, unsigned codes of as many bits. ``int8`` are patterns of layers with int8
    weights: the first then takes the image in 8 bits, and one behind binary layers takes int8
    codes from the layer before. With ``shortcuts``, of one-bit networks, an inner convolution that
    keeps its image's shape is a `BiReal` block: int8 codes go past its signs. The answers are int8
    codes.

    Raises ValueError for networks that are no chain of convolutions, linear layers, max pooling and
    flattening, and for ``shortcuts`` where no layer has one.
    """
    _require_chain(graph)
    weighted = [
        node.name for node in graph.nodes if isinstance(node, floats.Conv2d | floats.Linear)
    ]
    wide = selected(int8, dict.fromkeys(weighted)) if int8 else []
    beside = _kept_shapes(graph, weighted, wide) if shortcuts else []
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    modules["image"] = _bits(8 if weighted[0] in wide else activation_bits, 1.0, threshold=0.5)
    for node in graph.nodes[1:]:
        name = node.name.replace(".", "_")
        if node.name not in weighted:
            modules[name] = _unweighted(node)
            continue
        after = next(iter(weighted[weighted.index(node.name) + 1 :]), None)
        if node.name in beside:
            assert isinstance(node, floats.Conv2d)
            modules[name] = BiReal(len(node.weight), node.weight.shape[2])
            if after is not None and after not in (*beside, *wide):
                modules[f"{name}_bits"] = Signs()
            continue
        layer, norm = _weighted(node, "int8" if node.name in wide else weights)
        modules |= {name: layer, f"{name}_norm": norm}
        if after is None:
            modules[f"{name}_codes"] = FakeQuantize("int8", scale=LOGITS_STEP)
        elif after in beside:
            modules[f"{name}_codes"] = FakeQuantize("int8", scale=SHORTCUT_STEP)
        elif after in wide:
            modules[f"{name}_codes"] = FakeQuantize("int8", scale=INT8_STEP)
        else:
            modules[f"{name}_bits"] = _bits(activation_bits, RANGE)
    return nn.Sequential(modules)


def _kept_shapes(graph: floats.FloatGraph, weighted: list[str], wide: list[str]) -> list[str]:
    """Binary convolutions behind the first layer and before the last that keep their image's shape.

    Past these there can be a shortcut.
    """
    inner = {node.name: node for node in graph.nodes if node.name in weighted[1:-1]}
    found = [
        name
        for name, node in inner.items()
        if isinstance(node, floats.Conv2d)
        and name not in wide
        and node.weight.shape[0] == node.weight.shape[1]
        and node.weight.shape[2] == node.weight.shape[3] == 2 * node.padding[0] + 1
        and set(node.stride) == {1}
        and len(set(node.padding)) == 1
        and node.groups == 1
        and node.dilation == (1, 1)
    ]
    if not found:
        raise ValueError(
            "shortcuts pass inner convolutions with as many channels out as in, stride 1 and "
            f"padding for the image's size, which none of {', '.join(weighted)} is"
        )
    return found


def _weighted(node: floats.Node, fmt: str) -> tuple[nn.Module, nn.Module]:
    if isinstance(node, floats.Linear):
        outputs, inputs = node.weight.shape
        return LowBitLinear(inputs, outputs, fmt), nn.BatchNorm1d(outputs)
    assert isinstance(node, floats.Conv2d)
    square = len(set(node.padding)) == len(set(node.stride)) == len(set(node.weight.shape[2:])) == 1
    if not square or node.groups != 1 or node.dilation != (1, 1):
        raise ValueError(
            f"layer {node.name!r}: a binary convolution has a square kernel, equal strides and "
            "paddings, one group and no dilation"
        )
    outputs, inputs, kernel, _ = node.weight.shape
    conv = LowBitConv2d(inputs, outputs, kernel, node.stride[0], node.padding[0], fmt)
    return conv, nn.BatchNorm2d(outputs)


def _unweighted(node: floats.Node) -> nn.Module:
    if isinstance(node, floats.Flatten):
        return nn.Flatten()
    assert isinstance(node, floats.MaxPool2d)
    if any(node.padding) or node.dilation != (1, 1):
        raise ValueError(f"layer {node.name!r}: max pooling of bits has no padding or dilation")
    return nn.MaxPool2d(node.kernel, node.stride)


def _bits(bits: int, top: float, threshold: float = 0.0) -> nn.Module:
    """Signs, or codes that reach from zero to ``top``."""
    if bits == 1:
        return Signs(threshold)
    return FakeQuantize(f"uint{bits}", scale=top / ((1 << bits) - 1), zero_point=0)


def _require_chain(graph: floats.FloatGraph) -> None:
    kinds = floats.Conv2d | floats.Linear | floats.MaxPool2d | floats.Flatten
    for before, node in zip(graph.nodes, graph.nodes[1:], strict=False):
        if not isinstance(node, kinds) or node.inputs != (before.name,):
            raise ValueError(
                f"node {node.name!r}: a binary network is a chain of convolutions, linear layers, "
                f"max pooling and flattening, not a {type(node).__name__} of "
                f"{', '.join(node.inputs)}; quantize such networks with 'quantize' and 'qat'"
            )
    if not isinstance(graph.nodes[-1], floats.Linear | floats.Conv2d):
        raise ValueError(
            f"a binary network ends in a layer with weights, not in {graph.nodes[-1].name!r}"
        )
