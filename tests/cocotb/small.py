"""A small machine and two small networks for it: one resident, one that streams its weights."""

from pathlib import Path

import numpy as np

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture
from bitwright.network import (
    Add,
    Conv2d,
    Flatten,
    Input,
    Linear,
    MaxPool2d,
    Network,
    Quantization,
    Requantization,
)

ARCHITECTURE = Architecture(
    name="4x4",
    rows=4,
    columns=4,
    multiplier_bits=16,
    residual_bits=16,
    activation_words=64,
    weight_words=64,
    parameter_records=16,
    execute_instructions=32,
    fetch_instructions=32,
)


def requantization(channels: int, shift: int) -> Requantization:
    return Requantization(
        multiplier=np.arange(900, 900 + channels) * 16,
        shift=np.full(channels, shift),
        low=-128,
        high=127,
    )


def network(streamed: bool) -> Network:
    """Conv, pool, linear; with ``streamed`` a wider convolution and a residual add as well."""
    rng = np.random.default_rng(7)
    q = Quantization(scale=0.1, zero_point=-3)
    layers = [
        Input(name="input", inputs=(), shape=(2, 5, 5), output=q),
        Conv2d(
            name="conv",
            inputs=("input",),
            shape=(5, 5, 5),
            output=q,
            weight=rng.integers(-128, 128, (5, 2, 3, 3)) if streamed else _kernel(rng),
            bias=rng.integers(-3000, 3000, 5),
            padding=(1, 1, 1, 1) if streamed else (0, 0, 0, 0),
            requantization=requantization(5, 23),
        ),
    ]
    if streamed:
        layers.append(
            Conv2d(
                name="wide",
                inputs=("conv",),
                shape=(5, 5, 5),
                output=q,
                weight=rng.integers(-128, 128, (5, 5, 1, 1)),
                bias=rng.integers(-3000, 3000, 5),
                requantization=requantization(5, 22),
            )
        )
        layers.append(
            Add(
                name="add",
                inputs=("wide", "conv"),
                shape=(5, 5, 5),
                output=q,
                requantization=requantization(1, 14),
                multiplier_b=7000,
            )
        )
    source = layers[-1].name
    layers += [
        MaxPool2d(
            name="pool",
            inputs=(source,),
            shape=(5, 2, 2),
            output=q,
            kernel=(2, 2),
            stride=(2, 2),
            low=-128,
            high=127,
        ),
        Flatten(name="flat", inputs=("pool",), shape=(20,), output=q),
        Linear(
            name="linear",
            inputs=("flat",),
            shape=(3,),
            output=q,
            weight=rng.integers(-128, 128, (3, 20)),
            bias=rng.integers(-3000, 3000, 3),
            requantization=requantization(3, 20),
        ),
    ]
    return Network(tuple(layers))


def _kernel(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-128, 128, (5, 2, 1, 1))


def save_programs(folder: Path) -> dict[str, str]:
    """Both programs as ``.bwp`` files, as the variables that tell the bench of them."""
    variables = {}
    for name, streamed in (("RESIDENT", False), ("STREAMED", True)):
        path = folder / f"{name.lower()}.bwp"
        compile(network(streamed), ARCHITECTURE).save(path)
        variables[name] = str(path)
    return variables


def images(program: Program, count: int, seed: int) -> np.ndarray:
    """Random input codes."""
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (count, *program.network.input.shape), np.int8)
