"""Why an operator has no counterpart among the layers, and what to do instead."""

_TABLE = "needs a look-up table, which the integer layers do not have"
_NEGATIVE = "keeps part of the negative values, which no clamp does"
_SMOOTH = "train with ReLU, ReLU6 or Hardtanh in its place"
_STATISTICS = "computes mean and variance from each image"
_BATCH_NORM = "train with BatchNorm2d, which folds into the convolution"
_PRODUCT = "multiplies two activations, which no layer does"
_LAYOUT = "moves elements between the axes"
_FLATTEN_ONLY = "flatten(1) straight before the classifier is the reshape that is mapped"
_INTERPOLATION = "interpolates to a greater size"
_RECURRENT = "keeps a state from step to step"
_UNROLL = "unroll it into convolutions or linear layers"
_SEQUENCE = "takes a sequence; layers are for images (N, C, H, W) and vectors (N, C)"
_ONE_ROW = "use the 2d module on an image of height 1"
_CONSTANT = "scales by something that is no batch normalisation"
_AS_BATCH_NORM = "write it as BatchNorm2d, or fold it into the weights or the preprocessing"
_PART = "takes out part of a tensor"
_EVALUATE = "call model.eval() before torch.export.export"
_GROUPS = "give the parts to separate convolutions, or use groups="

_REASONS: dict[str, tuple[str, str]] = {
    "sigmoid": (_TABLE, f"{_SMOOTH}; a last one can be left out and applied on the host"),
    "tanh": (_TABLE, "train with Hardtanh in its place"),
    "gelu": (_TABLE, _SMOOTH),
    "silu": (_TABLE, _SMOOTH),
    "mish": (_TABLE, _SMOOTH),
    "softplus": (_TABLE, _SMOOTH),
    "elu": (_TABLE, _SMOOTH),
    "selu": (_TABLE, _SMOOTH),
    "exp": (_TABLE, _SMOOTH),
    "hardswish": (_PRODUCT, _SMOOTH),
    "hardsigmoid": ("scales and shifts before it clamps", "train with Hardtanh or ReLU6"),
    "leaky_relu": (_NEGATIVE, _SMOOTH),
    "prelu": (_NEGATIVE, _SMOOTH),
    "_prelu_kernel": (_NEGATIVE, _SMOOTH),
    "conv_transpose2d": (
        "a transposed convolution writes overlapping windows",
        "upsample on the host and convolve after it, or end the network before it",
    ),
    "conv1d": (_SEQUENCE, _ONE_ROW),
    "max_pool1d": (_SEQUENCE, _ONE_ROW),
    "avg_pool1d": (_SEQUENCE, _ONE_ROW),
    "adaptive_avg_pool1d": (_SEQUENCE, _ONE_ROW),
    "conv3d": ("convolves over three axes", "use Conv2d, one slice at a time"),
    "layer_norm": (_STATISTICS, _BATCH_NORM),
    "native_layer_norm": (_STATISTICS, _BATCH_NORM),
    "group_norm": (_STATISTICS, _BATCH_NORM),
    "native_group_norm": (_STATISTICS, _BATCH_NORM),
    "instance_norm": (_STATISTICS, _BATCH_NORM),
    "upsample_nearest2d": (_INTERPOLATION, "do it on the host, or drop it"),
    "upsample_bilinear2d": (_INTERPOLATION, "do it on the host, or drop it"),
    "pixel_shuffle": (_LAYOUT, "do it on the host if it is the last operator"),
    "permute": (_LAYOUT, _FLATTEN_ONLY),
    "transpose": (_LAYOUT, _FLATTEN_ONLY),
    "t": (_LAYOUT, _FLATTEN_ONLY),
    "mul": (f"{_PRODUCT}, or {_CONSTANT}", _AS_BATCH_NORM),
    "div": (_CONSTANT, _AS_BATCH_NORM),
    "sub": ("is no plain addition", _AS_BATCH_NORM),
    "matmul": (_PRODUCT, "use Linear where one operand is a weight"),
    "bmm": (_PRODUCT, "use Linear where one operand is a weight"),
    "scaled_dot_product_attention": (_PRODUCT, "use convolutions in its place"),
    "native_dropout": ("drops activations at random", _EVALUATE),
    "lstm": (_RECURRENT, _UNROLL),
    "gru": (_RECURRENT, _UNROLL),
    "embedding": ("looks rows up by index", "do it on the host, before the network"),
    "slice": (_PART, _GROUPS),
    "select": (_PART, _GROUPS),
    "split": (_PART, _GROUPS),
    "split_with_sizes": (_PART, _GROUPS),
    "chunk": (_PART, _GROUPS),
    "argmax": ("gives an index", "leave it out and take the argmax on the host"),
    "sum": ("adds up without dividing", "use a mean over H and W: AdaptiveAvgPool2d(1)"),
}

_UNKNOWN = (
    "has no counterpart among the integer layers",
    "use convolution, linear, pooling, add, cat and ReLU, or cut the model before it",
)
_TRAINING = (
    "normalises with the statistics of the batch",
    _EVALUATE,
)


def reason(operator: str) -> tuple[str, str]:
    """(why, suggestion) for an ATen operator's name without ``aten.`` and overload.

    >>> reason("leaky_relu")[0]
    'keeps part of the negative values, which no clamp does'
    """
    if operator not in _REASONS and "batch_norm" in operator:
        return _TRAINING
    return _REASONS.get(operator, _UNKNOWN)
