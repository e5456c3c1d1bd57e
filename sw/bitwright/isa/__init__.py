"""What compiler and hardware agree on."""

from bitwright.isa.architecture import Architecture, ArchitectureError
from bitwright.isa.registers import ErrorCode

__all__ = ["Architecture", "ArchitectureError", "ErrorCode"]
