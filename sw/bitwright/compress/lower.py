"""Each node of the float graph as its integer layer, once every tensor's quantization is known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Rounding, quantize_multiplier
from bitwright.compress.grid import Grid
from bitwright.compress.scales import (
    QuantizedWeight,
    at_shift,
    clamp_codes,
    encode_weight,
    paired_multipliers,
    quantize_weight,
)
from bitwright.importers import graph as floats
from bitwright.network import (
    Add,
    AvgPool2d,
    Codes,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Quantization,
    Requantization,
    Requantize,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to quantize; the arguments of `quantize`, checked."""

    weight_bits: int
    activation_bits: int
    symmetric: bool
    multiplier_bits: int
    rounding: Rounding

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            if getattr(self, name) not in range(2, 9):
                raise ValueError(f"{name} must lie in 2..8, not {getattr(self, name)}")
        if self.multiplier_bits not in range(2, 32):
            raise ValueError(f"multiplier_bits must lie in 2..31, not {self.multiplier_bits}")
        if self.rounding is Rounding.TFLITE:
            raise ValueError(
                "rounding 'tflite' is for networks imported from TFLite: it rounds twice, and has "
                "no meaning for a fused addition; choose half_up, half_even, half_away, floor or "
                "trunc"
            )


def lower(
    graph: floats.FloatGraph,
    outputs: Mapping[str, Quantization],
    settings: Settings,
    grids: Mapping[str, Grid] | None = None,
) -> tuple[Layer, ...]:
    """The integer layers of the graph's nodes; ``outputs`` has each tensor's quantization.

    Weights of the layers in ``grids`` lie on their grid; those of the others are quantized here.
    Raises ValueError naming the layer whose scales lie too far apart for any multiplier.
    """
    layers = []
    for node in graph.nodes:
        sources = [outputs[name] for name in node.inputs]
        try:
            grid = (grids or {}).get(node.name)
            layers.append(_convert(node, sources, outputs[node.name], settings, grid))
        except ValueError as error:
            raise ValueError(f"layer {node.name!r}: {error}") from error
    return tuple(layers)


def _convert(
    node: floats.Node,
    sources: list[Quantization],
    output: Quantization,
    settings: Settings,
    grid: Grid | None,
) -> Layer:
    match node:
        case floats.Input():
            return Input(name=node.name, inputs=(), shape=node.shape, output=output)
        case floats.Conv2d():
            return _conv2d(node, sources, output, settings, grid)
        case floats.Linear():
            return _linear(node, sources[0], output, settings, grid)
        case floats.Add():
            return _add(node, sources, output, settings)
        case floats.MaxPool2d():
            low, high = clamp_codes(node.low, node.high, output)
            return MaxPool2d(
                name=node.name,
                inputs=node.inputs,
                shape=node.shape,
                output=output,
                kernel=node.kernel,
                stride=node.stride,
                padding=node.padding,
                dilation=node.dilation,
                low=low,
                high=high,
            )
        case floats.AvgPool2d():
            ratio = sources[0].scale / (output.scale * node.divisor)
            return AvgPool2d(
                name=node.name,
                inputs=node.inputs,
                shape=node.shape,
                output=output,
                kernel=node.kernel,
                stride=node.stride,
                padding=node.padding,
                requantization=_requantization(node, np.array([ratio]), output, settings),
            )
        case floats.Clamp():
            ratio = sources[0].scale / output.scale
            return Requantize(
                name=node.name,
                inputs=node.inputs,
                shape=node.shape,
                output=output,
                requantization=_requantization(node, np.array([ratio]), output, settings),
            )
        case floats.Concat():
            return Concat(name=node.name, inputs=node.inputs, shape=node.shape, output=output)
        case floats.Flatten():
            return Flatten(name=node.name, inputs=node.inputs, shape=node.shape, output=output)
        case _:
            raise TypeError(f"node {node.name!r}: no integer layer for a {type(node).__name__}")


def _weight(
    node: floats.Conv2d | floats.Linear,
    source: Quantization,
    output: Quantization,
    settings: Settings,
    grid: Grid | None,
) -> QuantizedWeight:
    if grid is not None:
        return encode_weight(node.weight, node.bias, source, output, grid)
    return quantize_weight(node.weight, node.bias, source, output, settings.weight_bits)


def _conv2d(
    node: floats.Conv2d,
    sources: list[Quantization],
    output: Quantization,
    settings: Settings,
    grid: Grid | None,
) -> Conv2d:
    weight = _weight(node, sources[0], output, settings, grid)
    ratios = weight.step / output.scale
    residual = None
    if len(sources) == 2:
        multiplier, residual, shift = paired_multipliers(
            ratios, sources[1].scale / output.scale, settings.multiplier_bits
        )
        requantization = _clamped(node, multiplier, shift, output, settings)
    else:
        requantization = _requantization(node, ratios, output, settings)
    return Conv2d(
        name=node.name,
        inputs=node.inputs,
        shape=node.shape,
        output=output,
        weight=weight.codes,
        bias=weight.bias,
        stride=node.stride,
        padding=node.padding,
        dilation=node.dilation,
        groups=node.groups,
        requantization=requantization,
        residual_multiplier=residual,
        weight_bits=weight.bits,
    )


def _linear(
    node: floats.Linear,
    source: Quantization,
    output: Quantization,
    settings: Settings,
    grid: Grid | None,
) -> Linear:
    weight = _weight(node, source, output, settings, grid)
    return Linear(
        name=node.name,
        inputs=node.inputs,
        shape=node.shape,
        output=output,
        weight=weight.codes,
        bias=weight.bias,
        requantization=_requantization(node, weight.step / output.scale, output, settings),
        weight_bits=weight.bits,
    )


def _add(
    node: floats.Add, sources: list[Quantization], output: Quantization, settings: Settings
) -> Add:
    """Both multipliers under the shift that suits the greater, which has all its bits."""
    ratios = np.array([source.scale / output.scale for source in sources])
    _, shift = quantize_multiplier(ratios.max(keepdims=True), settings.multiplier_bits)
    first, second = (at_shift(ratio, shift[0]) for ratio in ratios)
    return Add(
        name=node.name,
        inputs=node.inputs,
        shape=node.shape,
        output=output,
        requantization=_clamped(node, np.array([first], np.int64), shift, output, settings),
        multiplier_b=second,
    )


def _requantization(
    node: floats.Clamped,
    ratios: NDArray[np.float64],
    output: Quantization,
    settings: Settings,
) -> Requantization:
    multiplier, shift = quantize_multiplier(ratios, settings.multiplier_bits)
    return _clamped(node, multiplier, shift, output, settings)


def _clamped(
    node: floats.Clamped,
    multiplier: Codes,
    shift: Codes,
    output: Quantization,
    settings: Settings,
) -> Requantization:
    low, high = clamp_codes(node.low, node.high, output)
    return Requantization(
        multiplier=multiplier, shift=shift, low=low, high=high, rounding=settings.rounding
    )
