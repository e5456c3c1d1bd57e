from bitwright.importers.archive import load_program
from bitwright.importers.graph import FloatGraph
from bitwright.importers.report import OperatorReport, ProgramError, Status, UnsupportedError
from bitwright.importers.torch_export import check, export, import_program

__all__ = [
    "FloatGraph",
    "OperatorReport",
    "ProgramError",
    "Status",
    "UnsupportedError",
    "check",
    "export",
    "import_program",
    "load_program",
]
