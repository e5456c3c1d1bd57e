"""The rules of binary tensors: which layers take them, which give them, and how."""

from collections.abc import Sequence

import numpy as np

from bitwright.network.errors import reject, require, require_array, require_range
from bitwright.network.layers import (
    BinaryConv2d,
    BinaryLinear,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Threshold,
)

_VALUE_LIMIT = 1 << 62
"""Of a threshold, as `arith.apply_thresholds` takes it."""
_WEIGHTED = Conv2d | Linear | BinaryConv2d | BinaryLinear


def check_binary(layer: Layer, inputs: Sequence[Layer]) -> None:
    """Require that what the layer reads and gives is binary where it must be, and nowhere else."""
    wants = isinstance(layer, BinaryConv2d | BinaryLinear)
    either = isinstance(layer, MaxPool2d | Flatten)
    for source in inputs:
        if wants:
            rule = f"{type(layer).__name__} takes a binary input (output bits 1)"
            bits = f"{source.output.bits} bits of {source.name!r}"
            if not source.output.binary:
                reject(layer.name, rule, bits)
        elif source.output.binary and not either:
            rule = (
                f"a {type(layer).__name__} takes no binary input; BinaryConv2d, BinaryLinear,"
                " MaxPool2d and Flatten do"
            )
            reject(layer.name, rule, f"{source.name!r} with output bits 1")
    decides = isinstance(layer, _WEIGHTED) and isinstance(layer.requantization, Threshold)
    if decides:
        rule = "with a Threshold output bits must be 1"
        require(layer.output.binary, layer.name, rule, layer.output.bits)
    if layer.output.binary and not (decides or either or isinstance(layer, Input)):
        reject(layer.name, "a binary output (bits 1) must come of a Threshold", "none")
    if layer.output.binary and isinstance(layer, MaxPool2d):
        clamp = (layer.low, layer.high)
        require(clamp == (0, 1), layer.name, "clamp of binary codes must be 0..1", clamp)


def check_threshold(layer: Layer, threshold: Threshold, bias: np.ndarray) -> None:
    """Require a value and a direction per channel, and no bias beside them."""
    channels = len(bias)
    require_array(layer.name, "threshold value", threshold.value, (channels,))
    require_range(layer.name, "threshold value", threshold.value, -_VALUE_LIMIT, _VALUE_LIMIT)
    require_array(layer.name, "threshold direction", threshold.direction, (channels,))
    require_range(layer.name, "threshold direction", threshold.direction, -1, 1)
    if (threshold.direction == 0).any():
        at = int(np.argmax(threshold.direction == 0))
        reject(layer.name, "threshold direction must be 1 or -1", f"0 at index ({at},)")
    if bias.any():
        rule = "bias must be zero beside a Threshold, whose value it is part of"
        at = int(np.argmax(bias != 0))
        reject(layer.name, rule, f"{bias[at]} at index ({at},)")
    if len(layer.inputs) == 2:
        reject(layer.name, "a layer with a residual must not have a Threshold", "one")
