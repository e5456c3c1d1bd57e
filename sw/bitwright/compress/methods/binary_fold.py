"""What follows a layer's accumulator, in integers: a threshold exactly, or a multiplier and bias.

Batch normalisation and a threshold of signs leave one integer threshold and one direction per
channel, the same bit for every accumulator. Into int8 codes there is rounding: `Settled` computes
just what the network of integers does, so that the accuracy measured in torch is the integers'.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bitwright.arith import (
    BatchNorm,
    Integer,
    Rounding,
    fold_batch_norm,
    parse,
    quantize_multiplier,
)
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_layers import Signs
from bitwright.network import Quantization, Requantization, Threshold

MULTIPLIER_BITS = 16
Norm = nn.BatchNorm1d | nn.BatchNorm2d
Array = NDArray[np.float64]


def numbers(tensor: Tensor) -> Array:
    """As float64, which holds every float32."""
    return tensor.detach().double().numpy()


def parameters(norm: Norm | None, channels: int) -> BatchNorm:
    """Those of a batch normalisation in evaluation mode, or of none."""
    if norm is None:
        ones, zeros = np.ones(channels), np.zeros(channels)
        return BatchNorm(gamma=ones, beta=zeros, mean=zeros, variance=ones, epsilon=0.0)
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch normalisation without running statistics does not fold")
    gamma, beta = (
        np.full(channels, start) if values is None else numbers(values)
        for values, start in ((norm.weight, 1.0), (norm.bias, 0.0))
    )
    return BatchNorm(
        gamma=gamma,
        beta=beta,
        mean=numbers(norm.running_mean),
        variance=numbers(norm.running_var),
        epsilon=norm.eps,
    )


def fold_signs(norm: Norm | None, signs: Signs, step: Array, low: int, high: int) -> Threshold:
    """The threshold that gives the bits of signs(norm(step acc)) for every acc in low..high."""
    found = fold_batch_norm(
        parameters(norm, len(step)),
        parse("binary"),
        low=low,
        high=high,
        step=step,
        threshold=numbers(signs.threshold),
    )
    return Threshold(value=found.values[:, 0], direction=found.direction)


class Settled(nn.Module):
    """scale clamp(round((direction acc + bias) multiplier / 2^shift), low, high), ties upward.

    The nearest that integers come to a batch normalisation and codes of several bits: the
    multiplier has 16 bits and the bias is whole. It takes the place of both in a trained network.
    """

    step: Tensor
    direction: Tensor
    multiplier: Tensor
    shift: Tensor
    bias: Tensor

    def __init__(self, norm: Norm | None, step: Array, codes: FakeQuantize) -> None:
        super().__init__()
        self.scale = step_of(codes)
        fmt = codes.fmt
        assert isinstance(fmt, Integer)
        self.low, self.high = fmt.code_low + fmt.signed, fmt.code_high
        self.bits, self.zero_point = fmt.bits, 0 if fmt.signed else -(1 << (fmt.bits - 1))
        p = parameters(norm, len(step))
        slope = np.asarray(p.gamma) / np.sqrt(np.asarray(p.variance) + p.epsilon)
        start = np.asarray(p.beta) - np.asarray(p.mean) * slope  # y = slope step acc + start
        if not slope.all():
            raise ValueError(
                f"channel {int(np.argmin(np.abs(slope)))} does not depend on its inputs (gamma is "
                "0), which a multiplier and a bias cannot say; train it without that channel"
            )
        multiplier, shift = quantize_multiplier(np.abs(slope) * step / self.scale, MULTIPLIER_BITS)
        for name, values in (
            ("step", step),
            ("direction", np.where(slope < 0, -1, 1)),
            ("multiplier", multiplier),
            ("shift", shift),
            ("bias", np.rint(start / (np.abs(slope) * step)).astype(np.int64)),
        ):
            self.register_buffer(name, torch.as_tensor(np.asarray(values)))

    def forward(self, x: Tensor) -> Tensor:
        """Of step acc (N, channels, ...), which is near enough to tell the integer acc."""

        def each(values: Tensor) -> Tensor:
            return values.double().reshape(-1, *[1] * (x.ndim - 2))

        acc = (x.double() / each(self.step)).round()
        scaled = (acc * each(self.direction) + each(self.bias)) * each(self.multiplier)
        codes = torch.floor(scaled * 2.0 ** -each(self.shift) + 0.5).clamp(self.low, self.high)
        return (codes * self.scale).float()

    def quantization(self) -> Quantization:
        """What its codes mean in the network, where they are signed."""
        return Quantization(scale=self.scale, zero_point=self.zero_point, bits=self.bits)

    def requantization(self) -> Requantization:
        """As the network has it; the weights of channels of direction -1 change their sign."""
        return Requantization(
            multiplier=self.multiplier.numpy(),
            shift=self.shift.numpy(),
            low=self.low + self.zero_point,
            high=self.high + self.zero_point,
            rounding=Rounding.HALF_UP,
        )


def step_of(codes: FakeQuantize) -> float:
    """The one scale of integer codes."""
    shared = codes.shared(torch.zeros(1))
    if not isinstance(codes.fmt, Integer) or shared is None or shared.parameter.ndim:
        raise ValueError(f"a tensor's codes are int<N> or uint<N> of one given scale, not {codes}")
    return float(shared.parameter)
