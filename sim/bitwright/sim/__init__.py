"""Verilated models, programs on the RTL, and the first wrong bit."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitwright.sim.accelerator import Accelerator
    from bitwright.sim.driver import MachineError
    from bitwright.sim.measurement import Measurement, measure
    from bitwright.sim.model import VerilatedModel
    from bitwright.sim.parallel import run_batch
    from bitwright.sim.recording import Recording, record_moment
    from bitwright.sim.rtl import RtlMachine, RtlRun
    from bitwright.sim.verification import Verification, verify, write_replay

_HOMES = {
    "Accelerator": "accelerator",
    "MachineError": "driver",
    "Measurement": "measurement",
    "Recording": "recording",
    "RtlMachine": "rtl",
    "RtlRun": "rtl",
    "VerilatedModel": "model",
    "Verification": "verification",
    "measure": "measurement",
    "record_moment": "recording",
    "run_batch": "parallel",
    "verify": "verification",
    "write_replay": "verification",
}

__all__ = [
    "Accelerator",
    "MachineError",
    "Measurement",
    "Recording",
    "RtlMachine",
    "RtlRun",
    "Verification",
    "VerilatedModel",
    "measure",
    "record_moment",
    "run_batch",
    "verify",
    "write_replay",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: `doctor` must run where amaranth is absent."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
