"""The rules a network keeps; a network that breaks one is never constructed."""

import math
from collections.abc import Sequence

import numpy as np

from bitwright.arith import Rounding, accumulator_bits
from bitwright.network.errors import (
    NetworkError,
    is_int,
    reject,
    require,
    require_array,
    require_ints,
    require_range,
)
from bitwright.network.layers import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
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
    Threshold,
)
from bitwright.network.shapes import infer_shape
from bitwright.network.validate_binary import check_binary, check_threshold

MULTIPLIER_MAX = (1 << 31) - 1
SHIFT_MAX = 62
CODE_BITS = range(2, 9)
"""Widths of activation and weight codes: what the 32-bit accumulator and int8 storage hold."""

_KINDS = (
    "Input, Conv2d, Linear, BinaryConv2d, BinaryLinear, Add, MaxPool2d, AvgPool2d, Requantize,"
    " Concat, Flatten"
)
_LEAST_INPUTS = {Input: 0, Conv2d: 1, Add: 2, Concat: 2}
_MOST_INPUTS = {Input: 0, Conv2d: 2, Add: 2, Concat: None}


def validate(layers: tuple[Layer, ...]) -> None:
    """Raise `NetworkError` naming layer, rule and value at the first rule that is broken."""
    _check_graph(layers)
    known: dict[str, Layer] = {}
    for layer in layers:
        inputs = [known[name] for name in layer.inputs]
        _check_output(layer)
        check_binary(layer, inputs)
        _check_parameters(layer, inputs)
        shape = infer_shape(layer, [source.shape for source in inputs])
        rule = f"shape must be {shape}, which its inputs and parameters give"
        require(layer.shape == shape, layer.name, rule, layer.shape)
        if isinstance(layer, MaxPool2d):
            _check_windows(layer, inputs[0])
        known[layer.name] = layer


def _check_graph(layers: tuple[Layer, ...]) -> None:
    """One input, first; unique names; inputs precede; every output but the last is used."""
    if not isinstance(layers, tuple) or not all(isinstance(layer, Layer) for layer in layers):
        raise NetworkError("a network's layers must be a tuple of Layer")
    if len(layers) < 2 or not isinstance(layers[0], Input):
        raise NetworkError("a network must have an Input as its first layer and one more layer")
    for layer in layers:
        named = isinstance(layer.name, str) and layer.name != ""
        require(named, str(layer.name), "name must be a non-empty string", layer.name)
    names = [layer.name for layer in layers]
    seen: set[str] = set()
    for index, layer in enumerate(layers):
        if layer.name in seen:
            reject(layer.name, "name must be unique", "it twice")
        if index > 0 and isinstance(layer, Input):
            reject(layer.name, "a network must have one Input only", "a second")
        listed = isinstance(layer.inputs, tuple)
        require(listed, layer.name, "inputs must be a tuple of names", layer.inputs)
        _check_input_count(layer)
        for name in layer.inputs:
            rule = f"inputs must be layers of this network ({', '.join(names)})"
            require(name in names, layer.name, rule, name)
            require(name in seen, layer.name, "inputs must precede the layer", name)
        seen.add(layer.name)
    used = {name for layer in layers for name in layer.inputs}
    for name in names[:-1]:
        if name not in used:
            reject(name, "each layer but the last must feed another", "no use of it")


def _check_input_count(layer: Layer) -> None:
    least = _LEAST_INPUTS.get(type(layer), 1)
    most = _MOST_INPUTS.get(type(layer), 1)
    wanted = f"{least} or more" if most is None else f"{least}" + f" or {most}" * (most > least)
    count = len(layer.inputs)
    rule = f"{type(layer).__name__} must have {wanted} inputs"
    require(least <= count and (most is None or count <= most), layer.name, rule, count)


def _check_output(layer: Layer) -> None:
    """Shape of one or three positive sizes; a scale, a zero point among the codes, 1 to 8 bits."""
    ranked = isinstance(layer.shape, tuple) and len(layer.shape) in (1, 3)
    good = ranked and all(is_int(size, 1) for size in layer.shape)
    require(good, layer.name, "shape must be (C,) or (C, H, W) of positive ints", layer.shape)
    output = layer.output
    known = isinstance(output, Quantization)
    require(known, layer.name, "output must be a Quantization", output)
    require(
        is_int(output.bits, 1, CODE_BITS[-1]),
        layer.name,
        f"output bits must lie in 1..{CODE_BITS[-1]}",
        output.bits,
    )
    positive = isinstance(output.scale, int | float) and output.scale > 0
    finite = positive and math.isfinite(output.scale)
    require(finite, layer.name, "output scale must be positive and finite", output.scale)
    low, high = (0, 0) if output.binary else (output.low, output.high)
    rule = "binary output's zero point must be 0"
    if not output.binary:
        rule = f"output zero point must lie in {low}..{high}"
    require(is_int(output.zero_point, low, high), layer.name, rule, output.zero_point)


def _check_parameters(layer: Layer, inputs: Sequence[Layer]) -> None:
    match layer:
        case Input():
            pass
        case Conv2d():
            _check_conv2d(layer, inputs)
        case Linear():
            _check_weight(layer, rank=2)
            _check_result(layer)
            _check_accumulator(layer, inputs[0].output, layer.weight, layer.bias)
        case BinaryConv2d():
            _check_binary_weight(layer, rank=4)
            _check_steps(layer)
            _check_result(layer)
        case BinaryLinear():
            _check_binary_weight(layer, rank=2)
            _check_result(layer)
        case MaxPool2d():
            _check_window(layer)
            require_ints(layer.name, "dilation", layer.dilation, 2, 1)
            _check_same_quantization(layer, inputs)
            _check_clamp(layer, layer.low, layer.high)
        case AvgPool2d():
            _check_window(layer)
            _check_requantization(layer, layer.requantization, 1)
            ones = np.ones((1, *layer.kernel), np.int64)
            _check_accumulator(layer, inputs[0].output, ones, np.zeros(1, np.int64))
        case Add():
            _check_requantization(layer, layer.requantization, 1, of_sum=True)
            good = is_int(layer.multiplier_b, 0, MULTIPLIER_MAX)
            rule = f"multiplier_b must be an int in 0..{MULTIPLIER_MAX}"
            require(good, layer.name, rule, layer.multiplier_b)
        case Requantize():
            _check_requantization(layer, layer.requantization, 1)
        case Concat() | Flatten():
            _check_same_quantization(layer, inputs)
        case _:
            reject(layer.name, f"kind must be one of {_KINDS}", type(layer).__name__)


def _check_conv2d(layer: Conv2d, inputs: Sequence[Layer]) -> None:
    _check_weight(layer, rank=4)
    _check_steps(layer)
    channels = layer.weight.shape[0]
    divides = is_int(layer.groups, 1) and channels % layer.groups == 0
    rule = f"groups must divide the {channels} output channels"
    require(divides, layer.name, rule, layer.groups)
    residual = layer.residual_multiplier
    rule = "residual_multiplier must be there exactly when there are two inputs"
    if (residual is not None) != (len(inputs) == 2):
        count = "none" if residual is None else "one"
        reject(layer.name, rule, f"{count} beside {len(inputs)} inputs")
    if residual is not None:
        require_array(layer.name, "residual_multiplier", residual, (channels,))
        require_range(layer.name, "residual_multiplier", residual, 0, MULTIPLIER_MAX)
    _check_result(layer, of_sum=residual is not None)
    _check_accumulator(layer, inputs[0].output, layer.weight, layer.bias)


def _check_weight(layer: Conv2d | Linear, rank: int) -> None:
    require(
        is_int(layer.weight_bits, CODE_BITS[0], CODE_BITS[-1]),
        layer.name,
        f"weight_bits must lie in {CODE_BITS[0]}..{CODE_BITS[-1]}",
        layer.weight_bits,
    )
    require_array(layer.name, "weight", layer.weight, (None,) * rank)
    limit = 1 << (layer.weight_bits - 1)
    require_range(layer.name, "weight", layer.weight, -limit, limit - 1)
    _check_bias(layer)


def _check_binary_weight(layer: BinaryConv2d | BinaryLinear, rank: int) -> None:
    require_array(layer.name, "weight", layer.weight, (None,) * rank)
    require_range(layer.name, "weight", layer.weight, 0, 1)
    _check_bias(layer)


def _check_bias(layer: Conv2d | Linear | BinaryConv2d | BinaryLinear) -> None:
    require_array(layer.name, "bias", layer.bias, layer.weight.shape[:1])
    require_range(layer.name, "bias", layer.bias, -(1 << 31), (1 << 31) - 1)


def _check_steps(layer: Conv2d | BinaryConv2d) -> None:
    require_ints(layer.name, "stride", layer.stride, 2, 1)
    require_ints(layer.name, "padding", layer.padding, 4, 0)
    require_ints(layer.name, "dilation", layer.dilation, 2, 1)


def _check_accumulator(
    layer: Layer, source: Quantization, weight: np.ndarray, bias: np.ndarray
) -> None:
    low, high = source.low - source.zero_point, source.high - source.zero_point
    bits = accumulator_bits(weight, bias, low, high)
    if bits > 32:
        reject(layer.name, "accumulator must fit 32 bits", f"a bound of {bits} bits")


def _check_result(
    layer: Conv2d | Linear | BinaryConv2d | BinaryLinear, of_sum: bool = False
) -> None:
    if isinstance(layer.requantization, Threshold):
        check_threshold(layer, layer.requantization, layer.bias)
    else:
        _check_requantization(layer, layer.requantization, len(layer.bias), of_sum)


def _check_requantization(
    layer: Layer, requantization: Requantization, channels: int, of_sum: bool = False
) -> None:
    r = requantization
    require(isinstance(r, Requantization), layer.name, "requantization must be a Requantization", r)
    require_array(layer.name, "multiplier", r.multiplier, (channels,))
    require_range(layer.name, "multiplier", r.multiplier, 0, MULTIPLIER_MAX)
    require_array(layer.name, "shift", r.shift, (channels,))
    require_range(layer.name, "shift", r.shift, 0, SHIFT_MAX)
    # gemmlowp's double rounding is defined for one product, not for a sum of two.
    accepted = [mode for mode in Rounding if not (of_sum and mode is Rounding.TFLITE)]
    rule = f"rounding must be one of {', '.join(mode.value for mode in accepted)}"
    good = isinstance(r.rounding, Rounding) and r.rounding in accepted
    require(good, layer.name, rule, getattr(r.rounding, "value", r.rounding))
    _check_clamp(layer, r.low, r.high)


def _check_clamp(layer: Layer, low: int, high: int) -> None:
    least, most = layer.output.low, layer.output.high
    good = is_int(low, least, most) and is_int(high, least, most) and low <= high
    rule = f"clamp must be low <= high within {least}..{most}"
    if not good:
        reject(layer.name, rule, f"{low}..{high}")


def _check_window(layer: MaxPool2d | AvgPool2d) -> None:
    require_ints(layer.name, "kernel", layer.kernel, 2, 1)
    require_ints(layer.name, "stride", layer.stride, 2, 1)
    require_ints(layer.name, "padding", layer.padding, 4, 0)


def _check_same_quantization(layer: Layer, inputs: Sequence[Layer]) -> None:
    """These layers move codes and do no arithmetic: a code must mean the same on both sides."""
    for source in inputs:
        rule = f"input {source.name!r} must have the output's quantization, {layer.output}"
        require(source.output == layer.output, layer.name, rule, source.output)


def _check_windows(layer: MaxPool2d, source: Layer) -> None:
    """Each window holds an element of the input: a maximum of padding alone is not defined."""
    for axis in range(2):
        size, before = source.shape[1 + axis], layer.padding[axis]
        stride, step = layer.stride[axis], layer.dilation[axis]
        for window in range(layer.shape[1 + axis]):
            start = window * stride - before
            taps = range(start, start + step * layer.kernel[axis], step)
            inside = any(0 <= tap < size for tap in taps)
            axis_name = ("row", "column")[axis]
            if not inside:
                rule = "each window must reach the input, not padding alone"
                reject(layer.name, rule, f"{axis_name} {window} of the output")
