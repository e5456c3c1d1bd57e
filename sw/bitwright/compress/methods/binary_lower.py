"""A chain of binary modules as a network of integers."""

from dataclasses import replace
from math import prod
from typing import Any

from torch import nn

from bitwright.arith import Integer
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_chain import Block, parts, settle
from bitwright.compress.methods.binary_fold import step_of
from bitwright.compress.methods.binary_layers import BiReal, Signs
from bitwright.compress.methods.binary_shortcuts import beside_shortcut, signs_of_codes
from bitwright.compress.methods.binary_weighted import SIGNS, pair, weighted
from bitwright.network import (
    Flatten,
    Input,
    Layer,
    MaxPool2d,
    Network,
    Quantization,
    Shape,
    infer_shape,
)

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
        if isinstance(part, BiReal):
            layers += beside_shortcut(name, part, layers[-1])
        else:
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
            layer = weighted(part, source)
        case nn.MaxPool2d():
            layer = _pooled(name, part, common)
        case nn.Flatten():
            layer = Flatten(**common)
        case Signs():
            layer = signs_of_codes(name, part, source)
        case _:
            raise ValueError(f"module {name!r}: no integer layer for a {type(part).__name__}")
    return replace(layer, shape=infer_shape(layer, [source.shape]))


def _pooled(name: str, part: nn.MaxPool2d, common: dict[str, Any]) -> Layer:
    if pair(part.padding) != (0, 0) or pair(part.dilation) != (1, 1) or part.ceil_mode:
        raise ValueError(
            f"module {name!r}: max pooling has no padding, dilation or ceil_mode here, but is "
            f"{part}"
        )
    return MaxPool2d(
        **common,
        kernel=pair(part.kernel_size),
        stride=pair(part.stride),
        low=common["output"].low,
        high=common["output"].high,
    )
