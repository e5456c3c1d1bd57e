"""Small layers and networks the tests of this folder vary."""

from typing import Any

import numpy as np

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
)

Q = Quantization(scale=0.05)


def requantization(channels: int = 1, **changes: Any) -> Requantization:
    """Halve."""
    values: dict[str, Any] = {
        "multiplier": np.full(channels, 1, np.int64),
        "shift": np.full(channels, 1, np.int64),
        "low": -128,
        "high": 127,
    }
    return Requantization(**values | changes)


def image(shape: tuple[int, ...] = (3, 5, 6), **changes: Any) -> Input:
    values: dict[str, Any] = {"name": "x", "inputs": (), "shape": shape, "output": Q}
    return Input(**values | changes)


def conv2d(**changes: Any) -> Conv2d:
    """(3, 5, 6) to (4, 5, 6) by 3x3."""
    values: dict[str, Any] = {
        "name": "conv",
        "inputs": ("x",),
        "shape": (4, 5, 6),
        "output": Q,
        "weight": np.ones((4, 3, 3, 3), np.int64),
        "bias": np.zeros(4, np.int64),
        "padding": (1, 1, 1, 1),
        "requantization": requantization(4),
    }
    return Conv2d(**values | changes)


def layer(kind: type[Layer], **changes: Any) -> Layer:
    """A layer of any kind but Conv2d and Input, valid on x of (3, 5, 6); Linear on (90,)."""
    common: dict[str, Any] = {"name": "y", "inputs": ("x",), "shape": (3, 5, 6), "output": Q}
    window = {"kernel": (2, 3), "stride": (1, 1), "shape": (3, 4, 4)}
    values: dict[type[Layer], dict[str, Any]] = {
        Linear: {
            "shape": (2,),
            "weight": np.ones((2, 90), np.int64),
            "bias": np.zeros(2, np.int64),
            "requantization": requantization(2),
        },
        Add: {"inputs": ("x", "x"), "requantization": requantization(), "multiplier_b": 1},
        MaxPool2d: window | {"low": -128, "high": 127},
        AvgPool2d: window | {"requantization": requantization()},
        Requantize: {"requantization": requantization()},
        Concat: {"inputs": ("x", "x"), "shape": (6, 5, 6)},
        Flatten: {"shape": (90,)},
    }
    return kind(**common | values[kind] | changes)


def network(*layers: Layer) -> Network:
    """The layers on an input of (3, 5, 6)."""
    return Network((image(), *layers))
