"""The output shape of every layer from its parameters and its inputs' shapes."""

from collections.abc import Sequence

from bitwright.network.errors import reject, require
from bitwright.network.layers import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Pair,
    Requantize,
    Shape,
)


def window_count(
    size: int, before: int, after: int, kernel: int, stride: int, dilation: int = 1
) -> int:
    """floor((size + before + after - dilation (kernel - 1) - 1) / stride) + 1.

    The number of windows along one axis; zero or less where not even one fits.

    >>> window_count(28, 2, 2, kernel=5, stride=1), window_count(7, 0, 0, kernel=2, stride=2)
    (28, 3)
    """
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def infer_shape(layer: Layer, inputs: Sequence[Shape]) -> Shape:
    """The shape, without the batch, of what ``layer`` computes from inputs of these shapes.

    Raises `NetworkError` where the inputs' shapes do not suit the layer. Parameters are taken
    to be well formed (`validate` looks at them first).
    """
    match layer:
        case Input():
            return layer.shape
        case Conv2d() | BinaryConv2d():
            return _conv2d(layer, inputs)
        case Linear() | BinaryLinear():
            _require_rank(layer, inputs[0], 1)
            wanted = layer.weight.shape[1]
            require(inputs[0] == (wanted,), layer.name, f"input must be ({wanted},)", inputs[0])
            return (layer.weight.shape[0],)
        case MaxPool2d():
            windows = _windows(layer, inputs[0], layer.kernel, layer.dilation)
            return (inputs[0][0], *windows)
        case AvgPool2d():
            return (inputs[0][0], *_windows(layer, inputs[0], layer.kernel, (1, 1)))
        case Add():
            a, b = inputs
            require(a == b, layer.name, f"both inputs must have one shape, {a}", b)
            return a
        case Concat():
            return _concat(layer, inputs)
        case Flatten():
            channels, height, width = _require_rank(layer, inputs[0], 3)
            return (channels * height * width,)
        case Requantize():
            return inputs[0]
        case _:
            reject(layer.name, "kind must have a rule for its shape", type(layer).__name__)


def _require_rank(layer: Layer, shape: Shape, rank: int) -> Shape:
    wanted = "(C, H, W)" if rank == 3 else "(C,)"
    require(len(shape) == rank, layer.name, f"input must have a shape {wanted}", shape)
    return shape


def _windows(
    layer: Conv2d | BinaryConv2d | MaxPool2d | AvgPool2d, shape: Shape, kernel: Pair, dilation: Pair
) -> Pair:
    _, height, width = _require_rank(layer, shape, 3)
    top, left, bottom, right = layer.padding
    rows = window_count(height, top, bottom, kernel[0], layer.stride[0], dilation[0])
    columns = window_count(width, left, right, kernel[1], layer.stride[1], dilation[1])
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padded = (height + top + bottom, width + left + right)
    rule = f"a window of {extent[0]}x{extent[1]} must fit the padded input"
    if rows < 1 or columns < 1:
        reject(layer.name, rule, f"{padded[0]}x{padded[1]}")
    return rows, columns


def _conv2d(layer: Conv2d | BinaryConv2d, inputs: Sequence[Shape]) -> Shape:
    channels, group_channels, *kernel = layer.weight.shape
    rows, columns = _windows(layer, inputs[0], (kernel[0], kernel[1]), layer.dilation)
    groups = layer.groups if isinstance(layer, Conv2d) else 1
    wanted = group_channels * groups
    rule = f"input must have {wanted} channels (weight {layer.weight.shape}, groups {groups})"
    require(inputs[0][0] == wanted, layer.name, rule, inputs[0])
    shape = (channels, rows, columns)
    if len(inputs) == 2:
        require(inputs[1] == shape, layer.name, f"residual must have the shape {shape}", inputs[1])
    return shape


def _concat(layer: Concat, inputs: Sequence[Shape]) -> Shape:
    first = inputs[0]
    for shape in inputs[1:]:
        same = len(shape) == len(first) and shape[1:] == first[1:]
        require(same, layer.name, f"inputs must equal {first} but for the channels", shape)
    return (sum(shape[0] for shape in inputs), *first[1:])
