"""Signs of int8 codes, and binary convolutions beside shortcuts, as layers of integers."""

from dataclasses import replace

import numpy as np

from bitwright.compress.methods.binary_chain import Block
from bitwright.compress.methods.binary_fold import Settled, fold_signs
from bitwright.compress.methods.binary_layers import BiReal, Signs
from bitwright.compress.methods.binary_weighted import SIGNS, weighted
from bitwright.network import Add, Conv2d, Layer


def beside_shortcut(name: str, block: BiReal, source: Layer) -> list[Layer]:
    """Signs of the codes, a binary convolution of them to codes, and the sum of both.

    The sum of codes of one scale is exact: it is only clamped.
    """
    assert isinstance(block.norm, Settled)  # `settle` has seen to it
    output = block.norm.quantization()
    if source.output != output:
        raise ValueError(
            f"module {name!r}: a shortcut adds int8 codes of step {output.scale:g}, and the layer "
            f"before, {source.name!r}, gives codes of {source.output.bits} bits, zero point "
            f"{source.output.zero_point} and step {source.output.scale:g}"
        )
    signs = signs_of_codes(f"{name}_signs", block.signs, source)
    conv = Block(name=f"{name}_conv", layer=block.conv, norm=None, result=block.norm)
    branch = weighted(conv, signs)
    one = np.ones(1, np.int64)
    total = Add(
        name=name,
        inputs=(source.name, branch.name),
        shape=source.shape,
        output=output,
        requantization=replace(block.norm.requantization(), multiplier=one, shift=0 * one),
        multiplier_b=1,
    )
    return [signs, branch, total]


def signs_of_codes(name: str, signs: Signs, source: Layer) -> Layer:
    """Bits where codes reach a threshold: a depthwise convolution by 1, whose sums are compared."""
    if source.output.binary or len(source.shape) != 3:
        raise ValueError(
            f"module {name!r}: signs are those of a layer with weights, or of an image's codes of "
            f"2 bits or more; {source.name!r} before it gives {source.shape} of "
            f"{source.output.bits} bits"
        )
    channels, codes = source.shape[0], source.output
    low, high = codes.low - codes.zero_point, codes.high - codes.zero_point
    return Conv2d(
        name=name,
        inputs=(source.name,),
        shape=source.shape,
        output=SIGNS,
        weight=np.ones((channels, 1, 1, 1), np.int64),
        bias=np.zeros(channels, np.int64),
        groups=channels,
        requantization=fold_signs(None, signs, np.full(channels, codes.scale), low, high),
    )
