"""Steps into operations: instruction fields, weights and parameters, a file each kind of layer."""

from bitwright.compiler.lowering.context import Lowering
from bitwright.compiler.lowering.lower import lower

__all__ = ["Lowering", "lower"]
