"""From the accelerator's Verilog to LUTs, DSPs, block RAMs and MHz on an FPGA."""

from bitwright.synth.devices import DEVICES, Device, Resources, UnknownDeviceError, find_device
from bitwright.synth.flow import DoesNotFitError, place_and_route, synthesize
from bitwright.synth.report import Clock, CriticalPath, RouteReport, SynthesisReport
from bitwright.synth.tools import SynthesisError, ToolFailedError

__all__ = [
    "DEVICES",
    "Clock",
    "CriticalPath",
    "Device",
    "DoesNotFitError",
    "Resources",
    "RouteReport",
    "SynthesisError",
    "SynthesisReport",
    "ToolFailedError",
    "UnknownDeviceError",
    "find_device",
    "place_and_route",
    "synthesize",
]
