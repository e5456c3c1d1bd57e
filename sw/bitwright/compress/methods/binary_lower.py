"""A chain of binary modules as a network of integers."""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from torch import nn

from bitwright.arith import Integer
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_chain import Block, parts, settle, weights
from bitwright.compress.methods.binary_fold import Settled, fold_signs, step_of
from bitwright.compress.methods.binary_layers import BiReal, LowBitLinear, Signs
from bitwright.network import (
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Result,
    Shape,
    infer_shape,
)

SIGNS = Quantization(scale=1.0, bits=1)
_HALF = 0.5


def lower_binary(model: nn.Sequential, shape: Shape) -> Network:
    """The network of integers for images of ``shape`` (C, H, W).

    Batch normalisations and thresholds fold exactly; other results are those of `settle`. A network
    that begins by flattening takes its images flat, as vectors in the order (C, H, W): a pixel of
    one channel would fill a byte with one bit. Raises ValueError naming the module that has no
    integer layer.
    """
    (name, image), *rest = parts(settle(model))
    if rest and isinstance(rest[0][1], nn.Flatten):
        shape = (prod(shape),)
        del rest[0]
    layers: list[Layer] = [Input(name=name, inputs=(), shape=shape, output=_image(name, image))]
    for name, part in rest:
        layers.append(_layer(name, part, layers[-1]))
    return Network(tuple(layers))


def _image(name: str, module: nn.Module | Block) -> Quantization:
    if isinstance(module, Signs) and module.threshold.ndim == 0:
        if float(module.threshold) != _HALF:
            raise ValueError(
                f"module {name!r}: an image becomes bits at {_HALF}, not at "
                f"{float(module.threshold):g}"
            )
        return SIGNS
    if isinstance(module, FakeQuantize) and isinstance(module.fmt, Integer):
        offset = 0 if module.fmt.signed else 1 << (module.fmt.bits - 1)
        return Quantization(scale=step_of(module), zero_point=-offset, bits=module.fmt.bits)
    raise ValueError(
        f"module {name!r}: a network begins with Signs(0.5), or a FakeQuantize to uint<N>"
    )


def _layer(name: str, part: nn.Module | Block, source: Layer) -> Layer:
    common: dict[str, Any] = {
        "name": name,
        "inputs": (source.name,),
        "shape": (),
        "output": source.output,
    }
    layer: Layer
    match part:
        case Block():
            layer = _weighted(part, source)
        case nn.MaxPool2d():
            layer = _pooled(name, part, common)
        case nn.Flatten():
            layer = Flatten(**common)
        case BiReal():
            raise ValueError(
                f"module {name!r}: a BiReal block adds real numbers, which no binary layer takes; "
                "lower a chain, and let this one be its teacher"
            )
        case _:
            raise ValueError(f"module {name!r}: no integer layer for a {type(part).__name__}")
    return replace(layer, shape=infer_shape(layer, [source.shape]))


def _weighted(part: Block, source: Layer) -> Layer:
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
    if isinstance(part.layer, LowBitLinear):
        return (BinaryLinear if binary else Linear)(**found)
    vertical, horizontal = _pair(part.layer.padding)
    return (BinaryConv2d if binary else Conv2d)(
        **found,
        stride=_pair(part.layer.stride),
        padding=(vertical, horizontal, vertical, horizontal),
    )


def _pooled(name: str, part: nn.MaxPool2d, common: dict[str, Any]) -> Layer:
    if _pair(part.padding) != (0, 0) or _pair(part.dilation) != (1, 1) or part.ceil_mode:
        raise ValueError(
            f"module {name!r}: max pooling has no padding, dilation or ceil_mode here, but is "
            f"{part}"
        )
    return MaxPool2d(
        **common,
        kernel=_pair(part.kernel_size),
        stride=_pair(part.stride),
        low=common["output"].low,
        high=common["output"].high,
    )


def _reach(values: Codes, source: Quantization) -> int:
    """What no accumulator's magnitude exceeds."""
    greatest = max(source.high - source.zero_point, source.zero_point - source.low, 1)
    if source.binary:
        greatest = 1
    return int(np.abs(values).reshape(len(values), -1).sum(axis=1).max()) * greatest


def _pair(value: "int | str | tuple[int, ...]") -> tuple[int, int]:
    assert not isinstance(value, str)
    return (value, value) if isinstance(value, int) else (value[0], value[1])
