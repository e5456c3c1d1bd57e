"""Tensors that end with their bank: words may overhang it by bytes that nobody looks at."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.networks import random_codes

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture
from bitwright.isa.instructions import encode_execute
from bitwright.network import (
    Add,
    Concat,
    Conv2d,
    Input,
    Layer,
    MaxPool2d,
    Network,
    Quantization,
    Requantization,
)
from bitwright.sim import verify

Q = Quantization(scale=0.1, zero_point=-3)


def requantization(channels: int) -> Requantization:
    shift = np.full(channels, 14)
    return Requantization(multiplier=np.full(channels, 70), shift=shift, low=-128, high=127)


def conv(name: str, source: Layer, channels: int, groups: int = 1) -> Conv2d:
    rng = np.random.default_rng(channels)
    weight = rng.integers(-128, 128, (channels, source.shape[0] // groups, 1, 1))
    return Conv2d(
        name=name,
        inputs=(source.name,),
        shape=(channels, *source.shape[1:]),
        output=Q,
        weight=weight,
        bias=rng.integers(-3000, 3000, channels),
        groups=groups,
        requantization=requantization(channels),
    )


def pool(source: Layer, name: str = "pool") -> MaxPool2d:
    ones = {"kernel": (1, 1), "stride": (1, 1), "low": -128, "high": 127}
    return MaxPool2d(name=name, inputs=(source.name,), shape=source.shape, output=Q, **ones)


def add(a: Layer, b: Layer) -> Add:
    return Add(
        name="add",
        inputs=(a.name, b.name),
        shape=a.shape,
        output=Q,
        requantization=requantization(1),
        multiplier_b=60,
    )


def image(channels: int) -> Input:
    return Input(name="input", inputs=(), shape=(channels, 2, 4), output=Q)


def pooled() -> Network:
    """The last channel tile of a pixel is one channel of five: the word goes three beyond."""
    return Network((x := image(5), pool(x)))


def grouped() -> Network:
    """A group is three channels, a word four."""
    return Network((x := image(6), conv("conv", x, 2, groups=2)))


def added() -> Network:
    """As `pooled`, for the residual's words."""
    x = image(5)
    a, b = pool(x, "a"), conv("b", x, 5)
    return Network((x, a, b, add(a, b)))


def sliced() -> Network:
    """A slice's line is shorter than its pitch by the other slice."""
    x = image(4)
    a, b = conv("a", x, 4), conv("b", x, 3)
    joined = Concat(name="concat", inputs=("a", "b"), shape=(7, 2, 4), output=Q)
    c, d = conv("c", joined, 2), conv("d", b, 2)
    return Network((x, a, b, joined, c, d, add(c, d)))


def moved_to_the_end(program: Program, tensor: str) -> Program:
    """The program with a tensor, and what shares its memory, moved to the end of its bank."""
    old = next(plan.region for plan in program.layers if plan.name == tensor)
    shift = program.architecture.bank_bytes - old.base - old.extent

    def moved(bank: int, base: int) -> int:
        return base + shift * (bank == old.bank and old.base <= base < old.base + old.extent)

    execute = []
    for f in program.decoded():
        for part in ("in", "out", "residual"):
            f[f"{part}_base"] = moved(f[f"{part}_bank"], f[f"{part}_base"])
        execute.append(tuple(encode_execute(**f)))
    layers = []
    for plan in program.layers:
        region = replace(plan.region, base=moved(plan.region.bank, plan.region.base))
        layers.append(replace(plan, region=region))
    return replace(program, execute=tuple(execute), layers=tuple(layers))


@pytest.mark.parametrize(
    ("network", "tensor"),
    [(pooled, "input"), (grouped, "input"), (added, "b"), (sliced, "concat")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_words_may_overhang_the_end_of_a_bank(network, tensor, small: Architecture) -> None:
    program = moved_to_the_end(compile(network(), small), tensor)
    found = verify(program, random_codes(program.network, 2))
    assert found.equal, found
