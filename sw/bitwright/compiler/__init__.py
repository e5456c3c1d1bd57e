"""From a network and an architecture to a program, and what it will cost."""

from bitwright.compiler.compile import compile
from bitwright.compiler.cycles import Prediction, predict
from bitwright.compiler.errors import CompileError
from bitwright.compiler.io import ProgramError
from bitwright.compiler.plan import LayerPlan, Region
from bitwright.compiler.program import Program
from bitwright.compiler.summary import LayerSummary, filled_utilization, summarize

__all__ = [
    "CompileError",
    "LayerPlan",
    "LayerSummary",
    "Prediction",
    "Program",
    "ProgramError",
    "Region",
    "compile",
    "filled_utilization",
    "predict",
    "summarize",
]
