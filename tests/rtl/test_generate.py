"""Verilog of the machine's parts by themselves."""

import re

import pytest

from bitwright.isa import Architecture
from bitwright.rtl import XNOR_TOP, generate_xnor


def test_engine_of_bits_is_a_module_by_itself() -> None:
    text = generate_xnor(Architecture(xnor=True))
    ports = re.search(rf"^module {XNOR_TOP}\((.*?)\);", text, re.MULTILINE | re.DOTALL)
    assert ports is not None
    names = {"clk", "rst", "take", "word", "weight", "first", "last", "result"}
    assert names <= set(re.findall(r"\w+", ports[1]))


def test_unknown_technology_is_refused() -> None:
    with pytest.raises(ValueError, match="technology 'asic' is unknown; known are "):
        generate_xnor(Architecture(xnor=True), "asic")
