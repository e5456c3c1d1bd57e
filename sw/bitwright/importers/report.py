"""What an importer says about each operator, and the errors it raises."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What becomes of an operator."""

    MAPPED = "mapped"
    """A layer of its own."""
    FOLDED = "folded"
    """Part of another layer, or nothing at all."""
    HOST = "host"
    """Left out; the host applies it to the network's output."""
    UNSUPPORTED = "unsupported"
    """The network cannot be imported because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReport:
    """One operator of the program."""

    name: str
    """Of the layer: its module path where it has one, else its name in the program."""
    operator: str
    """As the program names it, for example ``aten.conv2d.default``."""
    status: Status
    why: str
    suggestion: str = ""
    """What to do about it; there for each unsupported operator."""


class ProgramError(ValueError):
    """A file is no program, or a program cannot be read; the text names it and the remedy."""


class UnsupportedError(ValueError):
    """A program holds operators without a counterpart; ``reports`` lists them."""

    def __init__(self, reports: Sequence[OperatorReport]) -> None:
        self.reports = tuple(reports)
        lines = [f"{r.name} ({r.operator}): {r.why}; {r.suggestion}" for r in self.reports]
        count = f"{len(lines)} unsupported operator" + "s" * (len(lines) > 1)
        super().__init__("\n  ".join([f"{count}:", *lines]))
