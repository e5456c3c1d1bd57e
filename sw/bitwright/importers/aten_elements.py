"""ATen operators without parameters: activations, additions, reshapes."""

from math import inf

from bitwright.importers.graph import Add, Clamp, Concat
from bitwright.importers.operator import Operator, UnsupportedOperatorError, Value


def relu(op: Operator) -> Value:
    """max(x, 0)."""
    return _emit_clamp(op, 0.0, inf)


def relu6(op: Operator) -> Value:
    """min(max(x, 0), 6)."""
    return _emit_clamp(op, 0.0, 6.0)


def hardtanh(op: Operator) -> Value:
    """A clamp to two numbers."""
    return _emit_clamp(op, op.argument("min_val"), op.argument("max_val"))


def clamp(op: Operator) -> Value:
    """A clamp to one number or two."""
    return _emit_clamp(op, op.argument("min"), op.argument("max"))


def _emit_clamp(op: Operator, low: object, high: object) -> Value:
    x = op.activation("input" if op.argument("input") is not None else "self")
    bounds = (-inf if low is None else low, inf if high is None else high)
    if not all(isinstance(bound, int | float) for bound in bounds):
        raise UnsupportedOperatorError(
            "clamps to bounds that differ from element to element", "clamp to two numbers"
        )
    least, most = (float(bound) for bound in bounds)  # type: ignore[arg-type]
    if least > most:
        raise UnsupportedOperatorError(f"clamps to {least:g}..{most:g}, which is empty", "mend it")
    return op.emit(
        Clamp(name=op.name, inputs=(x.node,), shape=op.shape, low=least, high=most),
        "as Requantize: what it reads is read elsewhere too, or cannot clamp",
    )


def add(op: Operator) -> Value:
    """a + b of one shape."""
    if op.argument("alpha") not in (None, 1):
        raise UnsupportedOperatorError("alpha scales an operand", "scale the layer before it")
    a, b = op.activation("self"), op.activation("other")
    if a.shape != b.shape:
        raise UnsupportedOperatorError(
            f"repeats an operand: shapes {a.shape} and {b.shape}", "add tensors of one shape"
        )
    return op.emit(Add(name=op.name, inputs=(a.node, b.node), shape=op.shape))


def cat(op: Operator) -> Value:
    """Channels, one after another."""
    parts = [op.checked(value, "tensors") for value in op.argument("tensors")]
    axis = op.argument("dim") % (len(op.shape) + 1)
    if axis != 1 or len(op.shape) not in (1, 3):
        raise UnsupportedOperatorError(f"joins along axis {axis}", "join channels: cat(..., 1)")
    if len(parts) == 1:
        return op.fold(parts[0], "joins one tensor with none")
    return op.emit(Concat(name=op.name, inputs=tuple(part.node for part in parts), shape=op.shape))


def reshape(op: Operator) -> Value:
    """flatten, view, squeeze and their like."""
    value = op.argument("self" if op.argument("self") is not None else "input")
    if not isinstance(value, Value):
        raise UnsupportedOperatorError("reshapes a constant", "store it in that shape")
    return op.reshape(value)


def dropout(op: Operator) -> Value:
    """Nothing, in evaluation mode."""
    if op.argument("train"):
        raise UnsupportedOperatorError(
            "drops activations at random", "call model.eval() before torch.export.export"
        )
    return op.fold(op.argument("input"), "does nothing in evaluation mode")


def identity(op: Operator) -> Value:
    """A copy, or a cast that changes nothing."""
    value = op.argument("self")
    before, after = op.source.args[0].meta["val"].dtype, op.source.meta["val"].dtype  # type: ignore[union-attr]
    if before != after:
        raise UnsupportedOperatorError(
            f"casts {before} to {after}", "keep one floating-point type throughout"
        )
    assert isinstance(value, Value)
    return op.fold(value, "copies")


def softmax(op: Operator) -> Value:
    """Left to the host as the last operator, unsupported before."""
    value = op.argument("self")
    last = all(user.op == "output" for user in op.source.users)
    if not last or not isinstance(value, Value):
        raise UnsupportedOperatorError(
            "a softmax inside the network needs exponentials and a division",
            "keep it as the last operator, where the host applies it",
        )
    return op.leave_to_host(value, "the network gives its input; the host applies it if need be")
