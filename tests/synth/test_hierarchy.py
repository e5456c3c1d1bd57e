"""Which module a cell belongs to: on notes written by hand, and on a netlist of yosys'."""

from pathlib import Path

import pytest

from bitwright.synth import Resources, find_device, synthesize
from bitwright.synth.devices import ICE40_UP
from bitwright.synth.flow import read_hierarchy
from bitwright.synth.hierarchy import Hierarchy, folded

# As Amaranth writes it: a module per instance.
DESIGN = """
module adder_0(input clk, input [7:0] x, output reg [7:0] sum);
  always @(posedge clk) sum <= sum + x;
endmodule
module adder_1(input clk, input [7:0] x, output reg [7:0] sum);
  always @(posedge clk) sum <= sum + x;
endmodule
module pair(input clk, input [7:0] x, output [7:0] y);
  wire [7:0] middle;
  adder_0 adder_0(clk, x, middle);
  adder_1 adder_1(clk, middle, y);
endmodule
module mask(input clk, input [7:0] x, input [7:0] y, output reg [3:0] z);
  always @(posedge clk) z <= (x[3:0] & y[7:4]) | (x[7:4] ^ y[3:0]);
endmodule
module chip(input clk, input [7:0] x, output [3:0] z, output reg parity);
  wire [7:0] y;
  pair sums(clk, x, y);
  mask masking(clk, x, y, z);
  always @(posedge clk) parity <= ^y;
endmodule
"""


def note(source: str) -> dict[str, object]:
    return {"type": "$scopeinfo", "attributes": {"module_src": source}}


def cell(source: str = "") -> dict[str, object]:
    return {"type": "SB_LUT4", "attributes": {"src": source} if source else {}}


@pytest.fixture
def hierarchy() -> Hierarchy:
    return Hierarchy(
        {
            "cells": {
                "core": note("design.v:10.1-19.10"),
                "core.pe_0": note("design.v:20.1-29.10"),
                "core.pe_1": note("design.v:20.1-29.10"),
                "core.walker": note("design.v:30.1-39.10"),
                # Named after the other side of a port, as yosys does.
                "core.step_SB_DFF_Q": cell("design.v:33.3-34.17|/share/cells.v:68.1-68.9"),
                "core.step_SB_DFF_Q_D_SB_LUT4_O": cell(),
                "core.pe_1.acc_SB_DFF_Q": cell("design.v:25.3-25.17"),
                "core.memory.0.0": cell(),
                "busy_SB_DFF_Q": cell("design.v:5.3-5.17"),
                "core.busy_SB_DFF_Q_1": cell("design.v:6.3-6.17"),
            }
        }
    )


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("core.step_SB_DFF_Q", "core.walker"),  # its line
        ("core.step_SB_DFF_Q_D_SB_LUT4_O", "core.walker"),  # the register it feeds
        ("core.step_SB_DFF_Q_D_SB_LUT4_O_LC", "core.walker"),  # as place and route calls it
        ("core.pe_1.acc_SB_DFF_Q", "core.pe_1"),  # the line is of two instances: its name
        ("core.memory.0.0", "core"),
        ("busy_SB_DFF_Q", ""),
        ("core.busy_SB_DFF_Q_1", ""),  # a line of the top
        ("never_heard_of", ""),
    ],
)
def test_owner_is_the_most_certain_one(hierarchy: Hierarchy, name: str, owner: str) -> None:
    assert hierarchy.owner(name) == owner


def test_areas_are_of_each_instance_alone(hierarchy: Hierarchy) -> None:
    areas = {area.path: area.resources.luts for area in hierarchy.areas(ICE40_UP)}
    assert areas == {"": 2, "core": 1, "core.pe_1": 1, "core.walker": 2}


def test_modules_of_a_netlist_own_their_registers_and_add_up(build: Path) -> None:
    found = synthesize(DESIGN, "chip", find_device("ice40-up5k"), build=build)
    owned = {area.path: area.resources for area in found.modules}
    ffs = {path: area.ffs for path, area in owned.items()}
    assert ffs == {"": 1, "masking": 4, "sums.adder_0": 8, "sums.adder_1": 8}
    assert owned["sums.adder_0"].luts == owned["sums.adder_1"].luts == 8
    assert owned["masking"].luts >= 4
    total = Resources(
        luts=sum(area.luts for area in owned.values()),
        ffs=sum(area.ffs for area in owned.values()),
        dsps=sum(area.dsps for area in owned.values()),
        brams=sum(area.brams for area in owned.values()),
    )
    assert total == found.resources
    kept = read_hierarchy(build / found.digest / "netlist.json", "chip")
    assert kept.areas(ICE40_UP) == found.modules


def test_equal_instances_fold_to_one_name() -> None:
    assert folded("core.array.pe_3_0.product") == "core.array.pe_*.product"
    assert folded("core.lane_12") == "core.lane_*"
    assert folded("core.bank_1.lane_3") == "core.bank_*.lane_*"
    assert folded("") == ""
