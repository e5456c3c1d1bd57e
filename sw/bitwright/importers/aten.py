"""ATen operators and the conversions that turn them into nodes of the float graph.

A conversion takes an `Operator` and gives the `Value` of its result, or raises
`UnsupportedOperatorError` with the reason. Both of torch's dialects are here: what
`torch.export.export` writes, and what `run_decompositions` leaves of it.
"""

from collections.abc import Callable

from bitwright.importers.aten_elements import (
    add,
    cat,
    clamp,
    dropout,
    hardtanh,
    identity,
    relu,
    relu6,
    reshape,
    softmax,
)
from bitwright.importers.aten_layers import addmm, batch_norm, conv2d, linear, mm, pad
from bitwright.importers.aten_pooling import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
    mean,
)
from bitwright.importers.operator import Operator, Value

Conversion = Callable[[Operator], Value]

CONVERSIONS: dict[str, Conversion] = {
    "conv2d": conv2d,
    "convolution": conv2d,
    "linear": linear,
    "addmm": addmm,
    "mm": mm,
    "pad": pad,
    "constant_pad_nd": pad,
    "batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "relu": relu,
    "relu6": relu6,
    "hardtanh": hardtanh,
    "clamp": clamp,
    "clip": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "max_pool2d": max_pool2d,
    "max_pool2d_with_indices": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "_adaptive_avg_pool2d": adaptive_avg_pool2d,
    "adaptive_max_pool2d": adaptive_max_pool2d,
    "mean": mean,
    "add": add,
    "cat": cat,
    "concat": cat,
    "flatten": reshape,
    "view": reshape,
    "_unsafe_view": reshape,
    "reshape": reshape,
    "squeeze": reshape,
    "unsqueeze": reshape,
    "dropout": dropout,
    "feature_dropout": dropout,
    "alpha_dropout": dropout,
    "clone": identity,
    "contiguous": identity,
    "alias": identity,
    "detach": identity,
    "to": identity,
    "_to_copy": identity,
    "softmax": softmax,
    "_softmax": softmax,
    "log_softmax": softmax,
    "_log_softmax": softmax,
}
"""By the operator's name without ``aten.``, overload and the underscore of an in-place variant."""
