"""From a network and an architecture to a program, and what it will cost."""

from bitwright.compiler.compile import compile
from bitwright.compiler.cycles import Prediction, predict
from bitwright.compiler.errors import CompileError
from bitwright.compiler.program import LayerPlan, Program, ProgramError, Region

__all__ = [
    "CompileError",
    "LayerPlan",
    "Prediction",
    "Program",
    "ProgramError",
    "Region",
    "compile",
    "predict",
]
