"""The accelerator as Amaranth components."""

from bitwright.rtl.accelerator import Accelerator
from bitwright.rtl.generate import TOP, Top, generate

__all__ = ["TOP", "Accelerator", "Top", "generate"]
