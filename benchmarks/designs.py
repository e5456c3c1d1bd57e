"""A component by itself as Verilog, for synthesis."""

from amaranth.back import verilog
from amaranth.lib import wiring

from bitwright.rtl.technology import TECHNOLOGIES

TOP = "dut"


def verilog_of(component: wiring.Component, technology: str) -> str:
    """The module ``dut``, made for a technology."""
    platform = TECHNOLOGIES[technology]()
    return str(verilog.convert(component, name=TOP, platform=platform, emit_src=False))
