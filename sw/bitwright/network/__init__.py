"""The network of integer layers: its data, its rules, its reference executor, its file."""

from bitwright.network.errors import NetworkError, NetworkFileError
from bitwright.network.layers import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Pair,
    Quantization,
    Requantization,
    Requantize,
    Result,
    Shape,
    Threshold,
)
from bitwright.network.network import Network
from bitwright.network.shapes import infer_shape, window_count

__all__ = [
    "Add",
    "AvgPool2d",
    "BinaryConv2d",
    "BinaryLinear",
    "Codes",
    "Concat",
    "Conv2d",
    "Flatten",
    "Input",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Network",
    "NetworkError",
    "NetworkFileError",
    "Pair",
    "Quantization",
    "Requantization",
    "Requantize",
    "Result",
    "Shape",
    "Threshold",
    "infer_shape",
    "window_count",
]
