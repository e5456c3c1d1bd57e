"""The walk over a program's ATen graph: every operator to a node, a fold, or a reason."""

import operator as python_operator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram

from bitwright.importers.aten import CONVERSIONS
from bitwright.importers.graph import FloatGraph, Input, Node, Opaque, reachable
from bitwright.importers.operator import Operator, UnsupportedOperatorError, Value, Verdict
from bitwright.importers.program import (
    base_name,
    first_result,
    functional,
    module_path,
    needed_nodes,
    output_node,
    result_shape,
)
from bitwright.importers.report import OperatorReport, ProgramError, Status
from bitwright.importers.simplify import simplify
from bitwright.importers.suggestions import reason


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversion:
    """The simplified graph, and a report on every operator in the program's order."""

    graph: FloatGraph | None
    """None where anything is unsupported."""
    reports: tuple[OperatorReport, ...]


def convert(program: ExportedProgram) -> Conversion:
    """What becomes of the program.

    Raises `ProgramError` where it has not one input and one result of the accepted shapes.
    """
    return _Walk(functional(program)).convert()


class _Walk:
    def __init__(self, program: ExportedProgram) -> None:
        self._program = program
        self._values: dict[fx.Node, Any] = {}
        self._nodes: dict[str, Node] = {}
        self._names: set[str] = set()
        self._verdicts: list[tuple[OperatorReport, Verdict]] = []

    def convert(self) -> Conversion:
        output = output_node(self._program)
        needed = needed_nodes(output)
        for source in self._program.graph.nodes:
            if source.op == "placeholder":
                self._placeholder(source)
            elif source.op == "get_attr":
                self._values[source] = getattr(self._program.graph_module, str(source.target))
            elif source.op == "call_function" and source in needed:
                self._values[source] = self._call(source)
        result = self._values[output]
        if not isinstance(result, Value) or isinstance(self._nodes[result.node], Input):
            raise ProgramError("the program computes nothing from its input")
        if result.shape != self._nodes[result.node].shape or any(result.padding):
            raise ProgramError(
                f"the program's result (N, {', '.join(map(str, result.shape))}) is a reshaped or "
                "padded tensor; end it with flatten(1) or without the reshape"
            )
        notes = tuple(
            f"{report.name} ({report.operator}) is left to the host"
            for report, verdict in self._verdicts
            if verdict.status is Status.HOST
        )
        nodes = reachable(self._nodes.values(), result.node)
        simplified = simplify(FloatGraph(nodes=nodes, notes=notes))
        complete = all(verdict.status is not Status.UNSUPPORTED for _, verdict in self._verdicts)
        return Conversion(
            graph=simplified.graph if complete else None,
            reports=self._reports(simplified.merged),
        )

    def _reports(self, merged: dict[str, str]) -> tuple[OperatorReport, ...]:
        reports = []
        for report, verdict in self._verdicts:
            status, why = verdict.status, verdict.why
            if verdict.node in merged:
                status, why = Status.FOLDED, f"into {merged[verdict.node]}"
            reports.append(replace(report, status=status, why=why))
        return tuple(reports)

    def _placeholder(self, source: fx.Node) -> None:
        signature = self._program.graph_signature
        name = source.name
        state, constants = self._program.state_dict, self._program.constants
        for kind in (signature.inputs_to_parameters, signature.inputs_to_buffers):
            if name in kind:
                stored = kind[name]
                self._values[source] = state[stored] if stored in state else constants[stored]
                return
        if name in signature.inputs_to_lifted_tensor_constants:
            self._values[source] = constants[signature.inputs_to_lifted_tensor_constants[name]]
            return
        if not isinstance(source.meta.get("val"), torch.Tensor):
            raise ProgramError(f"input {name!r}: a network takes one tensor, and this is none")
        if self._nodes:
            raise ProgramError(f"input {name!r}: a network takes one tensor, and this is another")
        shape = result_shape(source)
        if len(shape) not in (1, 3):
            raise ProgramError(
                f"input {name!r} has the shape (N, {', '.join(map(str, shape))}); "
                "a network takes images (N, C, H, W) or vectors (N, C)"
            )
        self._nodes[self._unique(name)] = Input(name=name, inputs=(), shape=shape)
        self._values[source] = Value(name, shape)

    def _call(self, source: fx.Node) -> Any:
        """The value of one call: an activation, a constant, or a size that nothing looks at."""
        if source.target is python_operator.getitem:
            return self._item(source)
        if not isinstance(source.target, torch._ops.OpOverload):
            return self._foreign(source)
        inputs = [self._values[node] for node in source.all_input_nodes]
        random = torch.Tag.nondeterministic_seeded in source.target.tags
        if not random and all(isinstance(value, torch.Tensor) for value in inputs):
            return self._constant(source)
        if not isinstance(first_result(source.meta.get("val")), torch.Tensor):
            self._record(source, Verdict(Status.FOLDED, "a size, known here"))
            return None
        return self._operator(source)

    def _operator(self, source: fx.Node) -> Value:
        name = self._unique(module_path(source) or source.name)
        try:
            operator = Operator(
                name=name,
                source=source,
                values=self._values,
                nodes=self._nodes,
                shape=result_shape(source),
            )
            conversion = CONVERSIONS.get(base_name(source))
            if conversion is None:
                raise UnsupportedOperatorError(*reason(base_name(source)))
            value = conversion(operator)
            self._record(source, operator.verdict, name)
        except UnsupportedOperatorError as error:
            return self._opaque(source, name, error)
        return value

    def _opaque(self, source: fx.Node, name: str, error: UnsupportedOperatorError) -> Value:
        """Record the reason, and go on behind the operator as if it were there."""
        verdict = Verdict(Status.UNSUPPORTED, error.why)
        self._record(source, verdict, name, error.suggestion)
        value = first_result(source.meta.get("val"))
        shape = tuple(int(size) for size in value.shape[1:]) if value is not None else ()
        read = (self._values.get(node) for node in source.all_input_nodes)
        inputs = tuple(value.node for value in read if isinstance(value, Value))
        self._nodes[name] = Opaque(name=name, inputs=inputs, shape=shape)
        return Value(name, shape)

    def _constant(self, source: fx.Node) -> Any:
        """An operator on parameters alone is computed here and now."""
        arguments = fx.node.map_arg(source.args, lambda node: self._values[node])
        keywords = fx.node.map_arg(source.kwargs, lambda node: self._values[node])
        self._record(source, Verdict(Status.FOLDED, "computed from parameters at import"))
        with torch.no_grad():
            return source.target(*arguments, **keywords)  # type: ignore[operator]

    def _item(self, source: fx.Node) -> Any:
        """One of several results; only the first of an operator is mapped."""
        whole, index = source.args
        value = self._values[whole]  # type: ignore[index]
        if isinstance(value, tuple | list):
            return value[index]  # type: ignore[index]
        if index != 0:
            error = UnsupportedOperatorError(
                "reads a second result of an operator, such as the indices of a max pooling",
                "use the first result alone",
            )
            return self._opaque(source, self._unique(source.name), error)
        return value

    def _foreign(self, source: fx.Node) -> Any:
        """A call that is no operator of torch: arithmetic on sizes, or a sub-graph."""
        if not isinstance(first_result(source.meta.get("val")), torch.Tensor):
            return None
        error = UnsupportedOperatorError(
            "is no ATen operator", "export the model without control flow or autocast regions"
        )
        return self._opaque(source, self._unique(source.name), error)

    def _record(
        self, source: fx.Node, verdict: Verdict, name: str = "", suggestion: str = ""
    ) -> None:
        report = OperatorReport(
            name=name or source.name,
            operator=str(source.target),
            status=verdict.status,
            why=verdict.why,
            suggestion=suggestion,
        )
        self._verdicts.append((report, verdict))

    def _unique(self, name: str) -> str:
        candidate, count = name, 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._names.add(candidate)
        return candidate
