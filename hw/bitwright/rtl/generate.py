"""From an architecture to Verilog."""

import re

from amaranth.back import verilog
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Signature

from bitwright.isa import Architecture
from bitwright.rtl.accelerator import Accelerator
from bitwright.rtl.technology import TECHNOLOGIES
from bitwright.rtl.xnor import XnorEngine

TOP = "accelerator"
"""Name of the generated top module."""
XNOR_TOP = "xnor_engine"
"""That of the engine of binary layers alone."""


_ZEROS = re.compile(r"^  initial begin\n(    .+\[\d+\] = \d+'[hd]0+;\n)+  end\n", re.MULTILINE)
"""The zeros of a memory, a statement a word: most of the text, and tools spend minutes on them.

No word is read before it is written.
"""


class Top(wiring.Component):
    """The accelerator with its buses as flat ports: ``control_awaddr``, ``weights_tdata``, ..."""

    def __init__(self, architecture: Architecture) -> None:
        self._core = Accelerator(architecture)
        flat: dict[str, Member] = {}
        for name, member in self._core.signature.members.items():
            if member.is_signature:
                for port, inner in member.signature.members.items():
                    flat[f"{name}_{port}"] = inner
            else:
                flat[name] = member
        super().__init__(Signature(flat))

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.core = core = self._core
        for path, member, port in core.signature.flatten(core):
            pin = getattr(self, "_".join(str(step) for step in path))
            inward = member.flow is In
            m.d.comb += port.eq(pin) if inward else pin.eq(port)
        return m


def generate(architecture: Architecture, technology: str = "portable") -> str:
    """The accelerator as Verilog text: module ``accelerator``, clock ``clk``, reset ``rst``.

    Raises:
        ValueError: ``technology`` is none of `bitwright.rtl.technology.TECHNOLOGIES`.
    """
    platform = _platform(technology)
    return _convert(Top(architecture), TOP, platform)


def generate_xnor(architecture: Architecture, technology: str = "portable") -> str:
    """The engine of binary layers alone, as `generate` does: module ``xnor_engine``."""
    platform = _platform(technology)
    return _convert(XnorEngine(architecture), XNOR_TOP, platform)


def _platform(technology: str) -> object:
    if technology not in TECHNOLOGIES:
        known = ", ".join(TECHNOLOGIES)
        raise ValueError(f"technology {technology!r} is unknown; known are {known}")
    return TECHNOLOGIES[technology]()


def _convert(component: wiring.Component, name: str, platform: object) -> str:
    text = verilog.convert(component, name=name, platform=platform, emit_src=False)
    return _ZEROS.sub("", str(text))
