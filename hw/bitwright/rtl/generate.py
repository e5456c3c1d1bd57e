"""From an architecture to Verilog."""

from amaranth.back import verilog

from bitwright.isa import Architecture
from bitwright.rtl.accelerator import Accelerator

TOP = "accelerator"
"""Name of the generated top module."""


def generate(architecture: Architecture) -> str:
    """The accelerator as Verilog text: module ``accelerator``, clock ``clk``, reset ``rst``."""
    return str(verilog.convert(Accelerator(architecture), name=TOP, emit_src=False))
