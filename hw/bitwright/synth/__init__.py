"""From the accelerator's Verilog to LUTs, DSPs, block RAMs and MHz on an FPGA."""

from bitwright.synth.area import Branch, area_tree
from bitwright.synth.devices import (
    DEVICES,
    ECP5,
    Device,
    Resources,
    UnknownDeviceError,
    find_device,
)
from bitwright.synth.flow import DoesNotFitError, place_and_route, synthesize
from bitwright.synth.hierarchy import ModuleArea
from bitwright.synth.report import RouteReport, SynthesisReport
from bitwright.synth.sweep import Sweep, parse_seeds, route_seeds
from bitwright.synth.timing import Clock, CriticalPath, Hop
from bitwright.synth.tools import SynthesisError, ToolFailedError

__all__ = [
    "DEVICES",
    "ECP5",
    "Branch",
    "Clock",
    "CriticalPath",
    "Device",
    "DoesNotFitError",
    "Hop",
    "ModuleArea",
    "Resources",
    "RouteReport",
    "Sweep",
    "SynthesisError",
    "SynthesisReport",
    "ToolFailedError",
    "UnknownDeviceError",
    "area_tree",
    "find_device",
    "parse_seeds",
    "place_and_route",
    "route_seeds",
    "synthesize",
]
