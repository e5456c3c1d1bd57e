"""ATen pooling."""

from math import prod

from bitwright.importers.aten_layers import add_padding
from bitwright.importers.graph import AvgPool2d, Flatten, MaxPool2d
from bitwright.importers.operator import Operator, UnsupportedOperatorError, Value


def max_pool2d(op: Operator) -> Value:
    """Max pooling, the first result of its variants with indices."""
    x = op.image("self")
    kernel = op.pair("kernel_size")
    stride = op.pair("stride") if op.argument("stride") else kernel
    dilation = op.pair("dilation")
    top, left = op.pair("padding")
    # With ceil_mode the last window may reach further than the padding: pad so that it fits.
    below, right = (
        max(before, (count - 1) * step + d * (k - 1) + 1 - size - before)
        for before, count, step, d, k, size in zip(
            (top, left), op.shape[1:], stride, dilation, kernel, x.shape[1:], strict=True
        )
    )
    return op.emit(
        MaxPool2d(
            name=op.name,
            inputs=(x.node,),
            shape=op.shape,
            kernel=kernel,
            stride=stride,
            padding=(top, left, below, right),
            dilation=dilation,
        )
    )


def avg_pool2d(op: Operator) -> Value:
    """Average pooling whose divisor is the same for every window."""
    x, around = op.padded_image("self")
    kernel = op.pair("kernel_size")
    stride = op.pair("stride") if op.argument("stride") else kernel
    rows, columns = op.pair("padding")
    if (rows or columns) and not op.argument("count_include_pad"):
        raise UnsupportedOperatorError(
            "count_include_pad=False with padding divides by another number at the border",
            "use count_include_pad=True, or no padding",
        )
    top, left, bottom, right = add_padding(around, (rows, columns, rows, columns))
    fitting = tuple(
        (size + pad - k) // step + 1
        for size, pad, k, step in zip(
            x.shape[1:], (top + bottom, left + right), kernel, stride, strict=True
        )
    )
    if op.shape[1:] != fitting:
        raise UnsupportedOperatorError(
            "ceil_mode=True cuts windows short, which divide by another number",
            f"use ceil_mode=False, or an input whose {kernel[0]}x{kernel[1]} windows fit",
        )
    divisor = op.argument("divisor_override") or prod(kernel)
    if divisor < 0:
        raise UnsupportedOperatorError("divides by a negative number", "use a positive one")
    return op.emit(
        AvgPool2d(
            name=op.name,
            inputs=(x.node,),
            shape=op.shape,
            kernel=kernel,
            stride=stride,
            padding=(top, left, bottom, right),
            divisor=divisor,
        )
    )


def adaptive_avg_pool2d(op: Operator) -> Value:
    """Average pooling into equal windows; into one, global pooling."""
    x = op.image("self")
    kernel = _adaptive_kernel(op, x)
    return op.emit(
        AvgPool2d(
            name=op.name,
            inputs=(x.node,),
            shape=op.shape,
            kernel=kernel,
            stride=kernel,
            divisor=prod(kernel),
        )
    )


def adaptive_max_pool2d(op: Operator) -> Value:
    """Max pooling into equal windows."""
    x = op.image("self")
    kernel = _adaptive_kernel(op, x)
    return op.emit(
        MaxPool2d(name=op.name, inputs=(x.node,), shape=op.shape, kernel=kernel, stride=kernel)
    )


def _adaptive_kernel(op: Operator, x: Value) -> tuple[int, int]:
    height, width = x.shape[1:]
    rows, columns = op.shape[1:]
    if height % rows or width % columns:
        raise UnsupportedOperatorError(
            f"{rows}x{columns} outputs of a {height}x{width} input have windows of unequal size",
            "choose an output size that divides the input's, or 1",
        )
    return height // rows, width // columns


def mean(op: Operator) -> Value:
    """The mean over height and width: global average pooling."""
    x = op.activation("self")
    rank = len(x.shape) + 1
    axes = sorted(axis % rank for axis in op.argument("dim") or range(rank))
    if rank != 4 or axes != [2, 3]:
        raise UnsupportedOperatorError(
            f"averages over the axes {axes} of {rank}", "average over H and W: mean((2, 3))"
        )
    channels, height, width = x.shape
    kernel = (height, width)
    pooled = (channels, 1, 1)
    keep = bool(op.argument("keepdim"))
    name = op.name if keep else f"{op.name}_mean"
    pool = AvgPool2d(
        name=name,
        inputs=(x.node,),
        shape=pooled,
        kernel=kernel,
        stride=kernel,
        divisor=prod(kernel),
    )
    if keep:
        return op.emit(pool)
    op.add(pool)
    flat = Flatten(name=op.name, inputs=(name,), shape=(channels,))
    return op.emit(flat, "as AvgPool2d and Flatten")
