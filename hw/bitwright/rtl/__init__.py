"""The accelerator as Amaranth components."""

from bitwright.rtl.accelerator import Accelerator
from bitwright.rtl.generate import TOP, XNOR_TOP, Top, generate, generate_xnor

__all__ = ["TOP", "XNOR_TOP", "Accelerator", "Top", "generate", "generate_xnor"]
