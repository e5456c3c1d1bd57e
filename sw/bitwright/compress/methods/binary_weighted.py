"""A layer with weights of one bit or more, and what follows its sums, as a layer of integers."""

from dataclasses import replace
from typing import Any

import numpy as np

from bitwright.compress.methods.binary_chain import Block, weights
from bitwright.compress.methods.binary_fold import Settled, fold_signs
from bitwright.compress.methods.binary_layers import LowBitLinear, Signs
from bitwright.network import (
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Conv2d,
    Layer,
    Linear,
    Quantization,
    Result,
    infer_shape,
)

SIGNS = Quantization(scale=1.0, bits=1)


def weighted(part: Block, source: Layer) -> Layer:
    """The layer of integers that computes a block of ``source``'s codes."""
    binary = source.output.binary
    if binary and part.layer.fmt != "binary":
        raise ValueError(
            f"module {part.name!r}: {part.layer.fmt} weights take codes of 2 bits or more; let the "
            "layer before give them, by a FakeQuantize in place of Signs"
        )
    values, step = weights(part.layer)
    result: Result
    if isinstance(part.result, Signs):
        bias, output = np.zeros(len(values), np.int64), SIGNS
        reach = _reach(values, source.output)
        step = step * source.output.scale
        result = fold_signs(part.norm, part.result, step, -reach, reach)
    else:
        assert isinstance(part.result, Settled)  # `settle` has seen to it
        # A falling channel rises with its weights' signs changed.
        values = values * part.result.direction.numpy().reshape(-1, *[1] * (values.ndim - 1))
        bias, output = part.result.bias.numpy(), part.result.quantization()
        result = part.result.requantization()
    found: dict[str, Any] = {
        "name": part.name,
        "inputs": (source.name,),
        "shape": (),
        "output": output,
        "weight": (values + 1) // 2 if binary else values,
        "bias": bias,
        "requantization": result,
    }
    if not binary:
        found["weight_bits"] = 8 if part.layer.fmt == "int8" else 2
    layer: Layer
    if isinstance(part.layer, LowBitLinear):
        layer = (BinaryLinear if binary else Linear)(**found)
    else:
        vertical, horizontal = pair(part.layer.padding)
        layer = (BinaryConv2d if binary else Conv2d)(
            **found,
            stride=pair(part.layer.stride),
            padding=(vertical, horizontal, vertical, horizontal),
        )
    return replace(layer, shape=infer_shape(layer, [source.shape]))


def _reach(values: Codes, source: Quantization) -> int:
    """What no accumulator's magnitude exceeds."""
    greatest = max(source.high - source.zero_point, source.zero_point - source.low, 1)
    if source.binary:
        greatest = 1
    return int(np.abs(values).reshape(len(values), -1).sum(axis=1).max()) * greatest


def pair(value: "int | str | tuple[int, ...]") -> tuple[int, int]:
    """As torch writes a size: one number for both axes, or two."""
    assert not isinstance(value, str)
    return (value, value) if isinstance(value, int) else (value[0], value[1])
