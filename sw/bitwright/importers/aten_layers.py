"""ATen operators with parameters, and zero padding, which they take in."""

import numpy as np

from bitwright.importers.graph import Array, ChannelAffine, Conv2d, Linear, Padding
from bitwright.importers.operator import Operator, UnsupportedOperatorError, Value
from bitwright.importers.suggestions import reason


def conv2d(op: Operator) -> Value:
    """conv2d, and convolution of core ATen."""
    if op.argument("transposed"):
        raise UnsupportedOperatorError(*reason("conv_transpose2d"))
    if len(op.argument("stride")) == 1 and len(op.shape) == 2:
        raise UnsupportedOperatorError(*reason("conv1d"))
    x, around = op.padded_image("input")
    weight = op.constant("weight")
    assert weight is not None
    bias = op.constant("bias")
    stride, dilation = op.pair("stride"), op.pair("dilation")
    return op.emit(
        Conv2d(
            name=op.name,
            inputs=(x.node,),
            shape=op.shape,
            weight=weight,
            bias=np.zeros(len(weight)) if bias is None else bias,
            stride=stride,
            padding=add_padding(around, _conv_padding(op, weight, dilation)),
            dilation=dilation,
            groups=op.argument("groups"),
        )
    )


def _conv_padding(op: Operator, weight: Array, dilation: tuple[int, int]) -> Padding:
    named = op.argument("padding")
    if named == "valid":
        return 0, 0, 0, 0
    if named == "same":
        # torch puts the odd element after the image.
        height, width = (d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True))
        top, left = height // 2, width // 2
        return top, left, height - top, width - left
    rows, columns = op.pair("padding")
    return rows, columns, rows, columns


def add_padding(a: Padding, b: Padding) -> Padding:
    """Both paddings, side by side."""
    top, left, bottom, right = (x + y for x, y in zip(a, b, strict=True))
    return top, left, bottom, right


def pad(op: Operator) -> Value:
    """Zeros around an image: no node, the convolution or pooling that reads it pads."""
    if op.argument("mode") not in (None, "constant") or op.argument("value") not in (None, 0):
        raise UnsupportedOperatorError("pads with something other than zeros", "pad with zeros")
    x, around = op.padded_image("self")
    sizes = [*op.argument("pad"), 0, 0, 0, 0]
    left, right, top, bottom = sizes[:4]
    if any(sizes[4:]) or min(sizes[:4]) < 0:
        raise UnsupportedOperatorError(
            "pads channels or cuts a border off", "pad rows and columns, by positive numbers"
        )
    padding = add_padding(around, (top, left, bottom, right))
    value = Value(x.node, op.shape, padding)
    return op.fold(value, "into what reads it, as its padding")


def linear(op: Operator) -> Value:
    """weight x + bias."""
    return _emit_linear(op, op.vector("input"), op.constant("weight"), op.constant("bias"))


def addmm(op: Operator) -> Value:
    """bias + x weight, of core ATen; the weight is the transpose of a linear layer's."""
    if op.argument("beta") != 1 or op.argument("alpha") != 1:
        raise UnsupportedOperatorError("scales its operands", "scale the weights")
    weight = op.constant("mat2")
    assert weight is not None
    return _emit_linear(op, op.vector("mat1"), weight.T, op.constant("self"))


def mm(op: Operator) -> Value:
    """x weight, of core ATen."""
    weight = op.constant("mat2")
    assert weight is not None
    return _emit_linear(op, op.vector("self"), weight.T, None)


def _emit_linear(op: Operator, x: Value, weight: Array | None, bias: Array | None) -> Value:
    assert weight is not None
    bias = np.zeros(len(weight)) if bias is None else np.broadcast_to(bias, len(weight)).copy()
    weight = np.ascontiguousarray(weight)
    return op.emit(Linear(name=op.name, inputs=(x.node,), shape=op.shape, weight=weight, bias=bias))


def batch_norm(op: Operator) -> Value:
    """y = (x - mean) weight / sqrt(var + eps) + bias, as one factor and one offset."""
    if op.argument("training"):
        raise UnsupportedOperatorError(*reason("batch_norm training"))
    x = op.activation("input")
    mean, variance = op.constant("running_mean"), op.constant("running_var")
    if mean is None or variance is None:
        raise UnsupportedOperatorError(
            "has no running statistics", "train with track_running_stats=True"
        )
    weight, bias = op.constant("weight"), op.constant("bias")
    factor = (1.0 if weight is None else weight) / np.sqrt(variance + op.argument("eps"))
    offset = (0.0 if bias is None else bias) - mean * factor
    if len(x.shape) not in (1, 3):
        raise UnsupportedOperatorError(
            "normalises a sequence", "use BatchNorm2d on (N, C, H, W) or BatchNorm1d on (N, C)"
        )
    kind = "1x1 depthwise Conv2d" if len(x.shape) == 3 else "diagonal Linear"
    return op.emit(
        ChannelAffine(name=op.name, inputs=(x.node,), shape=op.shape, factor=factor, offset=offset),
        f"as a {kind}: no convolution or linear layer before it feeds it alone",
    )
