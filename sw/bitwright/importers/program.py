"""What an exported program says about itself, without knowing any operator."""

from typing import Any

from torch import fx
from torch.export import ExportedProgram

from bitwright.importers.archive import quiet_torch
from bitwright.importers.graph import Shape
from bitwright.importers.operator import UnsupportedOperatorError
from bitwright.importers.report import ProgramError

_COPIES = ("dropout", "feature_dropout", "alpha_dropout", "contiguous", "to", "reshape", "flatten")
"""Operators that may hand back their input's memory without their schema saying so."""


def functional(program: ExportedProgram) -> ExportedProgram:
    """The program without in-place operators whose input's memory anything else can see."""
    buffers = program.graph_signature.inputs_to_buffers
    for node in program.graph.nodes:
        # A buffer that is written, such as a count of batches, is nothing that evaluation reads.
        if _is_in_place(node) and node.args[0].name in buffers:
            continue
        if _is_in_place(node) and not _is_sole_view(node.args[0]):
            with quiet_torch():
                functional: ExportedProgram = program.run_decompositions({})
                return functional
    return program


def _is_in_place(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return bool(schema and schema.name.endswith("_") and schema.is_mutable)


def _is_sole_view(node: fx.Node) -> bool:
    if len(node.users) > 1 or node.op != "call_function":
        return False
    if _is_in_place(node):
        return _is_sole_view(node.args[0])  # type: ignore[arg-type]
    schema = getattr(node.target, "_schema", None)
    if schema is None or base_name(node) in _COPIES:
        return False
    return all(result.alias_info is None for result in schema.returns)


def output_node(program: ExportedProgram) -> fx.Node:
    """The node whose value is the program's one result."""
    names = program.graph_signature.user_outputs
    if len(names) != 1:
        raise ProgramError(f"the program gives {len(names)} results; a network gives one tensor")
    for node in program.graph.nodes:
        if node.name == names[0] and node.op != "placeholder":
            assert isinstance(node, fx.Node)
            return node
    raise ProgramError("the program computes nothing from its input")


def needed_nodes(output: fx.Node) -> set[fx.Node]:
    """The nodes that ``output`` depends on, itself included."""
    needed, pending = set(), [output]
    while pending:
        node = pending.pop()
        if node not in needed:
            needed.add(node)
            pending.extend(node.all_input_nodes)
    return needed


def result_shape(source: fx.Node) -> Shape:
    """The shape of the (first) result, without the batch.

    Raises `UnsupportedOperatorError`, for the input `ProgramError`, where it is not fixed.
    """
    value = first_result(source.meta.get("val"))
    sizes = tuple(value.shape)
    if not sizes:
        raise UnsupportedOperatorError(
            "reduces to a number", "average over H and W alone: mean((2, 3))"
        )
    if not all(isinstance(size, int) for size in sizes[1:]):
        text = ", ".join(map(str, sizes))
        why = f"the shape ({text}) is known at run time only"
        if source.op == "placeholder":
            raise ProgramError(f"input {source.name!r}: {why}; let the batch alone be dynamic")
        raise UnsupportedOperatorError(why, "export with fixed sizes; the batch alone may vary")
    return tuple(int(size) for size in sizes[1:])


def first_result(value: Any) -> Any:
    """The first of several results; a single one as it is."""
    return value[0] if isinstance(value, tuple | list) and value else value


def base_name(source: fx.Node) -> str:
    """``conv2d`` of ``aten.conv2d.padding``, ``relu`` of ``aten.relu_.default``."""
    name = str(source.target._schema.name)  # type: ignore[union-attr]
    space, _, name = name.partition("::")
    return name.removesuffix("_") if space == "aten" else f"{space}.{name}"


def module_path(source: fx.Node) -> str:
    """The path of the torch.nn module the operator is in; empty for one in a user's forward."""
    stack = source.meta.get("nn_module_stack")
    if not stack:
        return ""
    path, kind = list(stack.values())[-1]
    kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    ours = kind.startswith("torch.nn.modules.") and ".container." not in kind
    return str(path) if ours else ""
