"""Random networks that mix binary layers with int8 ones, from a seed or from hypothesis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.support.network_builder import NO_RESULT, Builder
from tests.support.network_parameters import Codes, Limits, spread
from tests.support.networks import DrawnChooser, SeededChooser

from bitwright.arith import Rounding
from bitwright.network import (
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Pair,
    Quantization,
    Threshold,
)

BITS = Quantization(scale=1.0, bits=1)
_WEIGHTED = (BinaryConv2d, BinaryLinear, Conv2d, Linear)


@dataclass
class BinaryBuilder(Builder):
    """Blocks of which each takes what the layer before gives: bits, or int8 codes."""

    def input(self) -> Layer:
        if self.chooser.choice([True, False]):
            return super().input()
        shape: tuple[int, ...] = (self.chooser.integer(1, 70),)
        if self.chooser.choice([True, True, False]):
            low, high = self.limits.pixels
            shape = (self.channels(), *(self.chooser.integer(low, high) for _ in range(2)))
        return self.given(shape, BITS)

    def given(self, shape: tuple[int, ...], q: Quantization) -> Layer:
        """An input of that shape and quantization."""
        layer = Input(name="input", inputs=(), shape=shape, output=q)
        self.layers.append(layer)
        self.codes["input"] = self.rng.integers(q.low, q.high, (6, *shape), np.int8, endpoint=True)
        return layer

    def block(self, x: Layer) -> Layer:
        """Of bits, a convolution or a maximum; of int8 codes, mostly what makes bits of them."""
        if len(x.shape) == 1:
            return self.weighted(x)
        if not x.output.binary and self.chooser.choice([False, False, True]):
            return super().block(x)
        if x.output.binary and self.chooser.choice([False, False, True]):
            return self.make(MaxPool2d, x, output=x.output, low=0, high=1, **self.window(x))
        return self.weighted(x)

    def weighted(self, x: Layer) -> Layer:
        """A convolution or linear layer, binary where x is; its output mostly binary."""
        bits = self.chooser.choice([True] * 3 + [False])
        window = self.window(x) if len(x.shape) == 3 else {}
        return self.layer(x, self.channels(), bits=bits, **window)

    def layer(
        self, x: Layer, channels: int, *, bits: bool, kernel: Pair | None = None, **window: Any
    ) -> Layer:
        """A layer of that many channels; a convolution where there is a kernel."""
        shape = (channels, x.shape[0], *(kernel or ()))
        kind = _WEIGHTED[2 * (not x.output.binary) + (not kernel)]
        values = window | self._weight(x, shape)
        zero = {"bias": np.zeros(channels, np.int64), "requantization": NO_RESULT}
        acc = self.accumulators(kind, x, values | zero)  # type: ignore[arg-type]
        if bits:
            values |= {"bias": zero["bias"], "requantization": self.threshold(acc)}
            return self.make(kind, x, output=BITS, **values)
        output = self.quantization()
        low, high = spread(acc)
        bias = self.bias(low, high, output)
        real, output = self.fit(low + bias, high + bias, output)
        multiplier, shift, _ = self.multipliers(real, None)
        result = self.requantization(multiplier, shift, output)
        return self.make(kind, x, output=output, bias=bias, requantization=result, **values)

    def head(self, x: Layer) -> None:
        """Nothing, or linear layers on the flattened image."""
        if len(x.shape) == 3:
            if len(self.layers) > 1 and self.chooser.choice([False, True]):
                return
            if math.prod(x.shape) > 512:
                if x.output.binary:
                    return
                window = {"kernel": x.shape[1:], "stride": (1, 1)}
                x = self.calibrated(AvgPool2d, x, window)
            x = self.make(Flatten, x, output=x.output)
        for _ in range(self.chooser.integer(1, 2)):
            x = self.weighted(x)

    def threshold(self, acc: Codes) -> Threshold:
        """Near the middle of each channel's sums, some at or beyond their ends; both directions."""
        axes = tuple(axis for axis in range(acc.ndim) if axis != 1)
        direction = self.rng.choice([-1, 1], acc.shape[1])
        share = self.rng.choice([0.3, 0.4, 0.5, 0.6, 0.7, 0.5, 0.4, 1.2, -0.2], acc.shape[1])
        low, high = acc.min(axis=axes), acc.max(axis=axes)
        middle = np.median(acc, axis=axes)
        inside = (share >= 0) & (share <= 1)
        aimed = np.where(
            inside, middle + (share - 0.5) * (high - low) / 4, low + share * (high - low)
        )
        return Threshold(value=direction * np.rint(aimed).astype(np.int64), direction=direction)

    def _weight(self, x: Layer, shape: tuple[int, ...]) -> dict[str, Any]:
        if x.output.binary:
            return {"weight": self.rng.integers(0, 2, shape)}
        return self.weight(shape)


def random_binary_network(
    seed: int, blocks: int | None = None, limits: Limits | None = None
) -> Network:
    """The random network of a seed; ``blocks`` fixes how many blocks lie before its head."""
    rng = np.random.default_rng(seed)
    builder = BinaryBuilder(SeededChooser(rng), rng, limits or Limits())
    return builder.network(blocks)


@st.composite
def binary_networks(draw: st.DrawFn, limits: Limits | None = None) -> Network:
    """Random networks whose structure shrinks towards few, small, plain layers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return BinaryBuilder(DrawnChooser(draw), rng, limits or Limits()).network(None)


def stacked_network(
    shape: tuple[int, ...],
    blocks: Sequence[int | str | dict[str, Any]],
    *,
    bits: bool = False,
    seed: int = 0,
) -> Network:
    """A network of given blocks on an input of ``shape``; the last layer gives int8 codes.

    A dictionary is a convolution (``channels``, ``kernel``, perhaps ``padding`` and ``stride``),
    a number a linear layer of that many channels, ``pool`` a maximum of 2 by 2 and ``flat`` what it
    says. All layers but the last give bits, and with ``bits`` the input does.
    """
    rng = np.random.default_rng(seed)
    builder = BinaryBuilder(SeededChooser(rng), rng, Limits(roundings=(Rounding.HALF_UP,)))
    quantization = BITS if bits else Quantization(scale=0.02, zero_point=-4)
    x: Layer = builder.given(shape, quantization)
    for n, block in enumerate(blocks):
        last = n == len(blocks) - 1
        if block == "pool":
            pool = {"kernel": (2, 2), "stride": (2, 2), "low": 0, "high": 1}
            x = builder.make(MaxPool2d, x, output=x.output, **pool)
        elif block == "flat":
            x = builder.make(Flatten, x, output=x.output)
        elif isinstance(block, dict):
            x = builder.layer(x, bits=not last, **block)
        else:
            x = builder.layer(x, int(block), bits=not last)
    return Network(tuple(builder.layers))


def cnv() -> Network:
    """FINN's CNV (arXiv:1612.07119, table 3) of random bits; its first layer takes int8 codes."""
    blocks: list[int | str | dict[str, Any]] = []
    for channels in (64, 128, 256):
        blocks += [{"channels": channels, "kernel": (3, 3)}] * 2 + ["pool"]
    # Of the last pair's output, 1 x 1, there is nothing to pool.
    return stacked_network((3, 32, 32), [*blocks[:-1], "flat", 512, 512, 10])
