"""PyTorch programs: into a float graph, or into a report of what stands in the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.export import ExportedProgram

from bitwright.importers.archive import first_line, load_program, quiet_torch
from bitwright.importers.convert import convert
from bitwright.importers.graph import FloatGraph
from bitwright.importers.report import OperatorReport, ProgramError, Status, UnsupportedError

Program: TypeAlias = nn.Module | ExportedProgram | str | Path
"""A module, its exported program, or the path of a ``.pt2`` file."""
Example: TypeAlias = torch.Tensor | NDArray[np.float32]


def export(model: nn.Module, example: Example) -> ExportedProgram:
    """The module's program in evaluation mode, for inputs of the example's shape (N, ...).

    The module's own training flags are as before afterwards. Raises `ProgramError` where torch
    cannot export it.
    """
    example = torch.as_tensor(example)
    if example.ndim < 2 or not len(example):
        raise ProgramError(f"an example must be (N, ...) with N > 0, not {tuple(example.shape)}")
    example = example.to(next((p.dtype for p in model.parameters()), torch.float32))
    # Two images: with one, torch could not tell the batch from another axis of size 1.
    if len(example) < 2:
        example = torch.cat([example, example])
    with evaluation(model), quiet_torch():
        try:
            return torch.export.export(model, (example[:2],))
        # Whatever the model's forward raises comes through here.
        except Exception as error:
            raise ProgramError(
                f"torch cannot export this {type(model).__name__} on an input of shape "
                f"{tuple(example.shape)} ({first_line(error)})"
            ) from error


def check(source: Program, example: Example | None = None) -> list[OperatorReport]:
    """Every operator of the program, in order: mapped, folded, on the host, or unsupported.

    A module needs an ``example`` input (N, ...). Raises `ProgramError` as `import_program` does.
    """
    return list(convert(_program(source, example)).reports)


def import_program(source: Program | FloatGraph, example: Example | None = None) -> FloatGraph:
    """The program as a float graph, batch norm and activations folded.

    A module needs an ``example`` input (N, ...). Raises `UnsupportedError` with the report of each
    unsupported operator, and `ProgramError` where the program itself cannot be read or has not
    one input and one result.
    """
    if isinstance(source, FloatGraph):
        return source
    conversion = convert(_program(source, example))
    if conversion.graph is None:
        raise UnsupportedError([r for r in conversion.reports if r.status is Status.UNSUPPORTED])
    return conversion.graph


def _program(source: Program, example: Example | None) -> ExportedProgram:
    match source:
        case ExportedProgram():
            return source
        case nn.Module():
            if example is None:
                raise ProgramError("a module needs an example input; give one of shape (N, ...)")
            return export(source, example)
        case str() | Path():
            return load_program(source)
        case _:
            raise ProgramError(
                f"a {type(source).__name__} is no program; give a torch.nn.Module, an "
                "ExportedProgram or the path of a .pt2 file"
            )


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """The module in evaluation mode; each part's own training flag is as before afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
