"""The harness refuses what it cannot hold; that it holds the rest is shown in test_flow."""

import pytest

from bitwright.synth.harness import Port, harness_verilog

CLOCK = Port(name="clk", direction="input", width=1)
DATA = Port(name="data", direction="input", width=8)
RESULT = Port(name="result", direction="output", width=5)


def test_ports_take_consecutive_slices() -> None:
    more = Port(name="more", direction="input", width=2)
    text = harness_verilog("top", (CLOCK, DATA, RESULT, more), "clk")
    assert ".\\clk (clk)" in text
    assert ".\\data (entering[7:0])" in text
    assert ".\\more (entering[9:8])" in text
    assert ".\\result (result[4:0])" in text


def test_clock_must_be_an_input_of_one_bit() -> None:
    with pytest.raises(
        ValueError, match="top: the clock 'clock' is not a 1-bit input; inputs are clk"
    ):
        harness_verilog("top", (CLOCK, RESULT), "clock")


def test_design_without_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match="without outputs has nothing that could be observed"):
        harness_verilog("top", (CLOCK, DATA), "clk")


def test_bidirectional_port_is_refused() -> None:
    pad = Port(name="pad", direction="inout", width=1)
    with pytest.raises(ValueError, match="port 'pad' is inout; only input and output"):
        harness_verilog("top", (CLOCK, pad, RESULT), "clk")
