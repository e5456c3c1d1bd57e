"""Verilated models, programs on the RTL, and the first wrong bit."""

from bitwright.sim.accelerator import Accelerator
from bitwright.sim.model import VerilatedModel
from bitwright.sim.rtl import MachineError, RtlMachine, RtlRun
from bitwright.sim.verify import Verification, verify, write_replay

__all__ = [
    "Accelerator",
    "MachineError",
    "RtlMachine",
    "RtlRun",
    "Verification",
    "VerilatedModel",
    "verify",
    "write_replay",
]
