"""What the lanes make of a layer's sums: codes by requantization, or bits by a threshold."""

from dataclasses import dataclass

import numpy as np

from bitwright.compiler import pack
from bitwright.compiler.errors import CompileError
from bitwright.compiler.pack import Bytes
from bitwright.compiler.work import Fields
from bitwright.isa import Architecture
from bitwright.isa.instructions import INVERT_BIT, RoundingCode
from bitwright.network import (
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Conv2d,
    Linear,
    Requantization,
    Threshold,
)

Weighted = Conv2d | Linear | BinaryConv2d | BinaryLinear
_INVERT = 1 << INVERT_BIT
_LIMIT = (1 << 30) - 1
"""Of sums that are compared: less their threshold, they fit 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Fields and parameters of an operation, for the lanes."""

    fields: Fields
    bias: Codes
    multiplier: Codes
    shift: Codes
    absent_shift: int
    """Of the channels that fill up the last tile."""

    def records(self, chosen: slice, residual: Codes | None, multiple: int) -> Bytes:
        """Parameter records of some channels."""
        packed = pack.records(
            self.bias[chosen],
            self.multiplier[chosen],
            self.shift[chosen],
            None if residual is None else residual[chosen],
            multiple,
        )
        packed.view(np.uint32)[len(self.bias[chosen]) :, 3] = self.absent_shift
        return packed


def requantized(requantization: Requantization, zero_point: int) -> Fields:
    """Fields of a result in codes."""
    return {
        "rounding": RoundingCode[requantization.rounding.value],
        "low": requantization.low,
        "high": requantization.high,
        "zero_point": zero_point,
    }


def finish(layer: Weighted, offset: Codes, bound: int, architecture: Architecture) -> Finish:
    """How the lanes finish a layer whose exact sums are the array's or engine's plus ``offset``.

    ``bound`` is the greatest magnitude of an exact sum, without the bias.
    """
    result = layer.requantization
    if not isinstance(result, Threshold):
        return Finish(
            fields=requantized(result, layer.output.zero_point),
            bias=layer.bias + offset,
            multiplier=result.multiplier,
            shift=result.shift,
            absent_shift=0,
        )
    if not architecture.xnor:
        raise CompileError(
            layer.name,
            "has a binary output, but the lanes pack bits only beside the XNOR engine; set"
            " xnor = true in the architecture",
        )
    if bound > _LIMIT:
        raise CompileError(
            layer.name, f"compares sums of up to {bound}, but the lanes compare up to {_LIMIT}"
        )
    # A threshold no sum reaches, or every one, need not fit the record.
    value = result.value.clip(-bound, bound + 1)
    rising = result.direction == 1
    # value <= sum: sum - value >= 0; value <= -sum: not sum + value - 1 >= 0.
    bias = np.where(rising, offset - value, offset + value - 1)
    return Finish(
        fields={
            "rounding": RoundingCode[architecture.roundings[0]],
            "signs": 1,
            "zero_point": 1,
            "low": 0,
            "high": 1,
        },
        bias=bias,
        multiplier=np.ones_like(bias),
        shift=np.where(rising, 0, _INVERT),
        # Their multiplier is 0, so their code is 1.
        absent_shift=_INVERT,
    )
