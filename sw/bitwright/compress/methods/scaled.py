"""A number format under a scale per channel, which stays, follows the tensor, or is learned."""

from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from bitwright.arith import Binary, Integer, PowerOfTwo, Ternary, parse
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels, step
from bitwright.importers.graph import Array
from bitwright.network import Quantization


class Scales(StrEnum):
    """Where a fake quantizer's scale comes from during training."""

    LEARNED = "learned"
    """A parameter, trained with the weights."""
    FIXED = "fixed"
    """As calibrated; it stays."""
    OBSERVED = "observed"
    """Of weights: from each batch's weights. Of activations: a moving average, frozen later."""


class Scaled(nn.Module):
    """unit fmt(x / unit): the format's values in units of a scale, with straight-through gradients.

    The unit is the exponential of a parameter: Adam's steps, which are of one size, are then a
    part of the scale and not a number. Its gradient is that of LSQ, for every format: fmt(v) - v
    where x is within the format's range, and the saturated value elsewhere. binary and ternary
    compare with thresholds of their own, and are fmt(x) unit.

    Source: S. Esser et al., Learned Step Size Quantization, arXiv:1902.08153, equation 3.
    """

    logarithm: Tensor

    def __init__(
        self,
        fmt: str,
        unit: ArrayLike,
        zero_point: ArrayLike | None = None,
        *,
        learned: bool,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        self._fmt = parse(fmt)
        self._thresholded = isinstance(self._fmt, Binary | Ternary)
        options: dict[str, Any] = {}
        if isinstance(self._fmt, PowerOfTwo | Integer):
            options["scale"] = 1.0
        if isinstance(self._fmt, Integer):
            options["narrow"] = self._fmt.signed
        if zero_point is not None:
            options["zero_point"] = zero_point
        if channels is not None and (zero_point is not None or isinstance(self._fmt, Ternary)):
            options["channel_axis"] = 0
        self.quantize = FakeQuantize(fmt, **options)
        start = torch.as_tensor(np.log(np.asarray(unit, np.float64))).float()
        if learned:
            self.logarithm = nn.Parameter(start)
        else:
            self.register_buffer("logarithm", start)

    def unit(self, like: Tensor) -> Tensor:
        """The scale, shaped to broadcast along the first axis of ``like``."""
        unit = self.logarithm.exp()
        return unit.reshape(-1, *[1] * (like.ndim - 1)) if unit.ndim else unit

    def elements(self, x: Tensor) -> Tensor:
        """The format's values, before the unit."""
        quantized: Tensor = self.quantize(x if self._thresholded else x / self.unit(x))
        return quantized

    def forward(self, x: Tensor) -> Tensor:
        """Give the quantized values."""
        return self.elements(x) * self.unit(x)


class ScaledWeight(Scaled):
    """The weights of a layer on their grid; with `Scales.OBSERVED` the grid follows them."""

    def __init__(self, grid: Grid, scales: Scales) -> None:
        signed = not grid.offset.any()
        super().__init__(
            grid.format,
            grid.scale / step(grid.format),
            None if signed else -grid.offset,
            learned=scales is Scales.LEARNED,
            channels=len(grid.scale),
        )
        self._grid = grid
        self._follows = scales is Scales.OBSERVED
        self._shared = len(np.unique(grid.scale)) == 1 and len(grid.scale) > 1

    def forward(self, x: Tensor) -> Tensor:
        """Give the quantized weights, (O, ...)."""
        if self._follows and self.training:
            with torch.no_grad():
                self.logarithm.copy_(self._observed(x).log())
        return super().forward(x)

    def on_grid(self, weight: Tensor) -> tuple[Array, Grid]:
        """The weights as float64 on their grid, and the grid."""
        with torch.no_grad():
            elements = self.elements(weight).double().numpy()
        scale = self.logarithm.detach().exp().double().numpy() * step(self._grid.format)
        grid = Grid(
            format=self._grid.format,
            levels=self._grid.levels,
            scale=np.broadcast_to(scale, self._grid.scale.shape).copy(),
            offset=self._grid.offset,
        )
        # Elements are multiples of the step, and small: the quotient is the integer.
        codes = elements / step(self._grid.format)
        return grid.round(codes * grid.scale.reshape(-1, *[1] * (weight.ndim - 1))), grid

    def _observed(self, weight: Tensor) -> Tensor:
        matrix = weight.reshape(1 if self._shared else len(weight), -1)
        if self._thresholded:
            codes: Tensor = self.quantize(weight).reshape(matrix.shape).abs()
            unit = (matrix.abs() * codes).sum(1) / codes.sum(1).clamp(min=1)
        else:
            top = float(levels(self._grid.format)[-1]) * step(self._grid.format)
            unit = matrix.abs().amax(1) / top
        found: Tensor = unit.clamp(min=1e-12).expand(len(weight))
        return found


class EncodedWeight(nn.Module):
    """The weights in a format that shares more than a scale: blocks run along each channel's."""

    def __init__(self, fmt: str) -> None:
        super().__init__()
        self.quantize = FakeQuantize(fmt, -1)

    def forward(self, x: Tensor) -> Tensor:
        """Give the quantized weights, (O, ...)."""
        quantized: Tensor = self.quantize(x.flatten(1))
        return quantized.reshape(x.shape)


class ScaledActivation(Scaled):
    """A tensor's codes, their scale learned or as it is; the zero point stays."""

    def __init__(self, quantization: Quantization, *, learned: bool) -> None:
        offset = quantization.zero_point + (1 << (quantization.bits - 1))
        super().__init__(
            f"uint{quantization.bits}",
            quantization.scale,
            offset,
            learned=learned,
        )
        self._quantization = quantization

    def quantization(self) -> Quantization:
        """As the integer network has it."""
        if not isinstance(self.logarithm, nn.Parameter):
            return self._quantization
        return Quantization(
            scale=float(self.logarithm.detach().exp()),
            zero_point=self._quantization.zero_point,
            bits=self._quantization.bits,
        )


class ObservedActivation(nn.Module):
    """A tensor's codes under the moving average of its ranges, until `freeze`."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits
        self.quantize = FakeQuantize(f"uint{bits}", observer="average")

    def freeze(self) -> None:
        """Let the range be as it is from now on."""
        self.quantize.freeze()

    def forward(self, x: Tensor) -> Tensor:
        """Give the quantized values; watch them first, in training mode."""
        quantized: Tensor = self.quantize(x)
        return quantized

    def quantization(self) -> Quantization:
        """As the integer network has it."""
        shared = self.quantize.shared(torch.zeros(1))
        assert shared is not None
        assert shared.zero_point is not None
        offset = 1 << (self.bits - 1)
        return Quantization(
            scale=float(shared.parameter),
            zero_point=int(shared.zero_point) - offset,
            bits=self.bits,
        )
