"""The layers of an integer network, as data.

A layer names its inputs (other layers), holds integer parameters only, and states how its
accumulator becomes output codes. Shapes are without the batch: ``(C, H, W)`` for images, ``(C,)``
for vectors. What a layer computes is defined by `bitwright.network.execute` and nothing else.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Rounding

Codes: TypeAlias = NDArray[np.int64]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """What the codes of a tensor mean: real value = scale (code - zero_point).

    With ``bits`` 1 the tensor is binary: its codes are 0 and 1, and mean scale (2 code - 1).
    """

    scale: float
    zero_point: int = 0
    bits: int = 8
    """Width of a signed code; codes lie in -2^(bits-1) .. 2^(bits-1)-1, or in 0 .. 1 if binary."""

    @property
    def binary(self) -> bool:
        """Whether codes are bits that stand for -1 and 1."""
        return self.bits == 1

    @property
    def low(self) -> int:
        """The least code."""
        return 0 if self.binary else -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """The greatest code."""
        return 1 if self.binary else (1 << (self.bits - 1)) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requantization:
    """y = clamp(zero_point + round(acc multiplier / 2^shift), low, high), per channel.

    ``zero_point`` is that of the layer's output; ``low`` and ``high`` are codes, and carry a fused
    ReLU, ReLU6 or clamp.
    """

    multiplier: Codes
    """(channels,), each 0 .. 2^31-1."""
    shift: Codes
    """(channels,), each 0 .. 62."""
    low: int
    high: int
    rounding: Rounding = Rounding.HALF_UP


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Threshold:
    """y = 1 if value <= direction acc else 0, per channel: what gives a layer a binary output.

    One `arith.Thresholds` of one column; `arith.fold_batch_norm` makes it of a batch norm. The
    layer's bias must be zero: it is part of the value.
    """

    value: Codes
    """(channels,), each within -2^62 .. 2^62."""
    direction: Codes
    """(channels,), each 1 or -1."""


Result: TypeAlias = Requantization | Threshold
"""What follows a weighted layer's accumulator."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """What every layer has."""

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    """Of the output, without the batch."""
    output: Quantization


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input(Layer):
    """The network's input: codes as given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conv2d(Layer):
    """acc = sum (x - zx) w + bias; a residual adds (r - zr) residual_multiplier after scaling.

    With a residual, ``inputs`` is ``(x, r)``, r has the output's shape, and
    y = clamp(zp + round((acc multiplier + (r - zr) residual_multiplier) / 2^shift)): one rounding.
    """

    weight: Codes
    """(O, I / groups, kh, kw), signed codes."""
    bias: Codes
    """(O,), 32-bit signed."""
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top, left, bottom, right; padding reads as the input's zero point."""
    dilation: Pair = (1, 1)
    groups: int = 1
    requantization: Result
    """With a `Threshold` there is no second input."""
    residual_multiplier: Codes | None = None
    """(O,), each 0 .. 2^31-1; present exactly when there are two inputs."""
    weight_bits: int = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear(Layer):
    """As `Conv2d`, on a vector: acc = sum (x - zx) w + bias."""

    weight: Codes
    """(O, I), signed codes."""
    bias: Codes
    """(O,), 32-bit signed."""
    requantization: Result
    weight_bits: int = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinaryConv2d(Layer):
    """acc = sum (2 x - 1)(2 w - 1) + bias over the taps inside the image, of binary codes x and w.

    That is K - 2 popcount(x xor w), K the number of inputs under the window: padding contributes
    nothing.
    """

    weight: Codes
    """(O, I, kh, kw), codes 0 and 1."""
    bias: Codes
    """(O,), 32-bit signed."""
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top, left, bottom, right."""
    dilation: Pair = (1, 1)
    requantization: Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinaryLinear(Layer):
    """As `BinaryConv2d`, on a vector: acc = sum (2 x - 1)(2 w - 1) + bias."""

    weight: Codes
    """(O, I), codes 0 and 1."""
    bias: Codes
    """(O,), 32-bit signed."""
    requantization: Result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Add(Layer):
    """y = clamp(zp + round(((a - za) multiplier + (b - zb) multiplier_b) / 2^shift))."""

    requantization: Requantization
    """Multiplier and shift have one element."""
    multiplier_b: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxPool2d(Layer):
    """The greatest code of the window; padding never wins; then the clamp to low .. high.

    Of binary codes it is their OR, and low .. high must be 0 .. 1.
    """

    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AvgPool2d(Layer):
    """acc = sum (x - zx) over the window, padding counts as zero; the divisor is in the multiplier.

    Global average pooling is a kernel of the input's size.
    """

    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    requantization: Requantization
    """Multiplier and shift have one element."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requantize(Layer):
    """y = clamp(zp + round((x - zx) multiplier / 2^shift)): another scale, or a lone activation."""

    requantization: Requantization
    """Multiplier and shift have one element."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat(Layer):
    """The inputs, one after another along the channels; all have the output's quantization."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flatten(Layer):
    """(C, H, W) as a vector of C H W, in that order; no arithmetic."""
