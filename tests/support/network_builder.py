"""The generator behind `tests.support.networks`: layer after layer, each calibrated as it is made.

Structure (kinds, shapes, parameters) comes from a `Chooser`, so that hypothesis can shrink it; bulk
data (weights, calibration codes) comes from a numpy generator. Each layer is run on a few random
images as it is made, and its multipliers are chosen so that the spread of its accumulators covers
its code range: random multipliers would saturate nearly everything and hide every fault.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.network_parameters import Chooser, Codes, Limits, Parameters, spread

from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Requantization,
    Requantize,
    infer_shape,
)
from bitwright.network.execute import accumulate, run_layer


def generate(
    chooser: Chooser, rng: np.random.Generator, limits: Limits, blocks: int | None
) -> Network:
    return Builder(chooser, rng, limits).network(blocks)


@dataclass
class Builder(Parameters):
    """Makes one layer after another; ``codes`` are theirs on the calibration images."""

    layers: list[Layer] = field(default_factory=list)
    codes: dict[str, NDArray[np.int8]] = field(default_factory=dict)

    def network(self, blocks: int | None) -> Network:
        """An input, blocks and a head."""
        x = self.input()
        for _ in range(self.chooser.integer(*self.limits.blocks) if blocks is None else blocks):
            x = self.block(x)
        self.head(x)
        return Network(tuple(self.layers))

    def input(self) -> Layer:
        """Mostly an image, sometimes a vector."""
        shape: tuple[int, ...] = (self.chooser.integer(1, 64),)
        if self.chooser.choice([True] * 9 + [False]):
            low, high = self.limits.pixels
            shape = (self.channels(), *(self.chooser.integer(low, high) for _ in range(2)))
        q = self.quantization()
        layer = Input(name="input", inputs=(), shape=shape, output=q)
        self.layers.append(layer)
        self.codes["input"] = self.rng.integers(q.low, q.high, (6, *shape), np.int8, endpoint=True)
        return layer

    # Blocks: what follows a layer

    def block(self, x: Layer) -> Layer:
        """A block of a random kind on an image; on a vector, a linear layer."""
        if len(x.shape) == 1:
            return self.linear(x)
        kind = self.chooser.choice(self.limits.kinds)
        made: Layer = getattr(self, f"{kind}_block")(x)
        return made

    def conv_block(self, x: Layer) -> Layer:
        return self.conv2d(x, self.channels())

    def depthwise_block(self, x: Layer) -> Layer:
        most = max(1, min(2, self.limits.channels[1] // x.shape[0]))
        return self.conv2d(x, x.shape[0] * self.chooser.integer(1, most), groups=x.shape[0])

    def window_block(self, x: Layer) -> Layer:
        """A depthwise 3x3 convolution, each edge padded by one or not: the engine's kind."""
        peers = [layer for layer in self.layers if layer.shape == x.shape]
        window = {
            "kernel": (3, 3),
            "stride": (self.chooser.integer(1, 3), self.chooser.integer(1, 3)),
            "padding": tuple(self.chooser.integer(int(n < 3), 1) for n in (*x.shape[1:],) * 2),
        }
        residual = None
        if self.chooser.choice([False, False, True]):
            window |= {"stride": (1, 1), "padding": (1, 1, 1, 1)}
            residual = self.chooser.choice([x, *peers])
        return self.conv2d(x, x.shape[0], groups=x.shape[0], residual=residual, window=window)

    def grouped_block(self, x: Layer) -> Layer:
        groups = self.chooser.choice([g for g in range(1, x.shape[0] + 1) if x.shape[0] % g == 0])
        each = self.chooser.integer(1, max(1, self.limits.channels[1] // groups))
        return self.conv2d(x, groups * each, groups=groups)

    def residual_block(self, x: Layer) -> Layer:
        """A convolution that adds x, or an earlier image of x's size, to its own accumulator."""
        deep = self.chooser.choice([False, True])
        body = self.conv2d(x, self.channels(), same=True) if deep else x
        peers = [layer for layer in self.layers if layer.shape[1:] == x.shape[1:]]
        residual = x if not deep else self.chooser.choice([x, *peers])
        return self.conv2d(body, residual.shape[0], same=True, residual=residual)

    def add_block(self, x: Layer) -> Layer:
        """x and: a convolution of it, an earlier image of its shape, or itself; in either order."""
        peers = [layer for layer in self.layers if layer.shape == x.shape]
        peer = self.chooser.choice([None, None, *peers])
        other = self.conv2d(x, x.shape[0], same=True) if peer is None else peer
        return self.add(*self.chooser.choice([(x, other), (other, x)]))

    def concat_block(self, x: Layer) -> Layer:
        """x beside a convolution of it, or beside itself; all in x's quantization."""
        room = self.limits.channels[1] - x.shape[0]
        if room < 1:
            return self.requantize_block(x)
        branches = [x, x]
        if room < x.shape[0] or self.chooser.choice([True, False]):
            branch = self.conv2d(x, self.chooser.integer(1, room), same=True, output=x.output)
            branches = self.chooser.choice([[x, branch], [branch, x]])
        return self.make(Concat, *branches, output=x.output)

    def max_pool_block(self, x: Layer) -> Layer:
        low, high = self.clamp(x.output)
        return self.make(MaxPool2d, x, output=x.output, low=low, high=high, **self.window(x))

    def avg_pool_block(self, x: Layer) -> Layer:
        window = self.window(x, dilated=False)
        del window["dilation"]
        return self.calibrated(AvgPool2d, x, window)

    def requantize_block(self, x: Layer) -> Layer:
        return self.calibrated(Requantize, x, {})

    def head(self, x: Layer) -> None:
        """Nothing, or one or two linear layers on the flattened or globally averaged image."""
        if len(x.shape) == 3:
            kinds = ["flatten", "global", "none"]
            large = math.prod(x.shape) > 512
            match self.chooser.choice(kinds[large:]):
                case "none" if len(self.layers) > 1:
                    return
                case "flatten":
                    pass
                case _:
                    window = {"kernel": x.shape[1:], "stride": (1, 1)}
                    x = self.calibrated(AvgPool2d, x, window)
            x = self.make(Flatten, x, output=x.output)
        for _ in range(self.chooser.integer(1, 2)):
            x = self.linear(x)

    # Layers: one each, calibrated

    def conv2d(
        self,
        x: Layer,
        channels: int,
        *,
        groups: int = 1,
        same: bool = False,
        residual: Layer | None = None,
        output: Quantization | None = None,
        window: dict[str, Any] | None = None,
    ) -> Layer:
        window = dict(window) if window else self.window(x, same=same)
        shape = (channels, x.shape[0] // groups, *window.pop("kernel"))
        values = window | self.weight(shape) | {"groups": groups}
        return self.affine(Conv2d, x, values, residual, output)

    def linear(self, x: Layer) -> Layer:
        return self.affine(Linear, x, self.weight((self.channels(), x.shape[0])), None, None)

    def affine(
        self,
        kind: type[Conv2d | Linear],
        x: Layer,
        values: dict[str, Any],
        residual: Layer | None,
        output: Quantization | None,
    ) -> Layer:
        """A convolution or linear layer whose bias, zero point and multipliers suit its sums."""
        zero = np.zeros(len(values["weight"]), np.int64)
        acc = self.accumulators(kind, x, values | {"bias": zero})
        wanted = self.quantization() if output is None else output
        low, high = spread(acc)  # (C,)
        bias = self.bias(low, high, wanted)
        real, wanted = self.fit(low + bias, high + bias, wanted, movable=output is None)
        real_b = None
        if residual is not None:
            values = values | {"residual_multiplier": zero}
            fitted, _ = self.fit(*spread(self.values(residual)), wanted, movable=False)
            real, real_b = real * 0.7, float(fitted[0]) * 0.5
        multiplier, shift, multiplier_b = self.multipliers(real, real_b)
        if residual is not None:
            values["residual_multiplier"] = multiplier_b
        return self.make(
            kind,
            *([x] if residual is None else [x, residual]),
            output=wanted,
            bias=bias,
            requantization=self.requantization(multiplier, shift, wanted),
            **values,
        )

    def calibrated(
        self, kind: type[AvgPool2d | Requantize], x: Layer, values: dict[str, Any]
    ) -> Layer:
        """A layer with one multiplier, chosen to suit its sums."""
        acc = self.accumulators(kind, x, values)
        real, output = self.fit(*spread(acc.reshape(len(acc), 1, -1)), self.quantization())
        multiplier, shift, _ = self.multipliers(real, None)
        requantization = self.requantization(multiplier, shift, output)
        return self.make(kind, x, output=output, requantization=requantization, **values)

    def add(self, a: Layer, b: Layer) -> Layer:
        real, output = self.fit(*spread(self.values(a)), self.quantization())
        real_b, _ = self.fit(*spread(self.values(b)), output, movable=False)
        multiplier, shift, multiplier_b = self.multipliers(real * 0.6, float(real_b[0]) * 0.6)
        return self.make(
            Add,
            a,
            b,
            output=output,
            requantization=self.requantization(multiplier, shift, output),
            multiplier_b=int(multiplier_b[0]),
        )

    def make(self, kind: type[Layer], *inputs: Layer, **values: Any) -> Layer:
        """Name the layer, infer its shape, run it on the calibration images, and keep it."""
        name = f"{kind.__name__.lower()}_{len(self.layers)}"
        names = tuple(source.name for source in inputs)
        layer = kind(name=name, inputs=names, shape=(1,), **values)
        layer = replace(layer, shape=infer_shape(layer, [source.shape for source in inputs]))
        self.layers.append(layer)
        formats = [source.output for source in inputs]
        self.codes[name] = run_layer(layer, [self.codes[n] for n in names], formats)
        return layer

    def accumulators(
        self, kind: type[Conv2d | Linear | AvgPool2d | Requantize], x: Layer, values: dict[str, Any]
    ) -> Codes:
        """The sums on the calibration images of a layer that has no requantization yet."""
        values = values | {"output": x.output, "requantization": NO_RESULT}
        bare = kind(name="bare", inputs=(), shape=(), **values)
        return accumulate(bare, [self.codes[x.name]], [x.output])

    def values(self, layer: Layer) -> Codes:
        """A layer's codes minus its zero point on the calibration images, as one channel."""
        codes = self.codes[layer.name].astype(np.int64) - layer.output.zero_point
        return codes.reshape(len(codes), 1, -1)


NO_RESULT = Requantization(
    multiplier=np.ones(1, np.int64), shift=np.zeros(1, np.int64), low=0, high=0
)
