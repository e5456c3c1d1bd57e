"""Parsing of what the tools write, on small pieces of their formats."""

import json

import pytest

from bitwright.synth import CriticalPath, Hop, Resources
from bitwright.synth.devices import ECP5, ICE40_UP
from bitwright.synth.hierarchy import count_resources
from bitwright.synth.report import parse_cells, utilisation
from bitwright.synth.timing import parse_clocks


def test_scope_notes_are_not_cells() -> None:
    stat = {"design": {"num_cells_by_type": {"SB_LUT4": 2, "$scopeinfo": 1, "SB_DFF": 3}}}
    assert parse_cells(json.dumps(stat)) == (("SB_DFF", 3), ("SB_LUT4", 2))


def test_ecp5_carry_and_distributed_ram_count_their_luts() -> None:
    cells = (("CCU2C", 3), ("LUT4", 10), ("TRELLIS_DPR16X4", 2), ("TRELLIS_FF", 7))
    expected = Resources(luts=10 + 2 * 3 + 6 * 2, ffs=7, dsps=0, brams=0)
    assert count_resources(cells, ECP5) == expected


def test_ice40_variants_count_as_their_kind() -> None:
    cells = (("SB_DFF", 1), ("SB_DFFESR", 2), ("SB_RAM40_4K", 1), ("SB_RAM40_4KNR", 1))
    assert count_resources(cells, ICE40_UP) == Resources(luts=0, ffs=3, dsps=0, brams=2)


def test_utilisation_is_a_share_per_resource() -> None:
    used = Resources(luts=1, ffs=3, dsps=0, brams=12)
    capacity = Resources(luts=3, ffs=4, dsps=8, brams=8)
    shares = {"luts": 0.3333, "ffs": 0.75, "dsps": 0.0, "brams": 1.5}
    assert utilisation(used, capacity) == shares


def test_what_the_device_has_none_of_does_not_fit() -> None:
    none, three = (
        Resources(luts=0, ffs=0, dsps=0, brams=0),
        Resources(luts=0, ffs=0, dsps=3, brams=0),
    )
    assert utilisation(three, none) == {"luts": 0, "ffs": 0, "dsps": 3, "brams": 0}


def step(kind: str, delay: float, start: str, end: str) -> dict[str, object]:
    return {
        "type": kind,
        "delay": delay,
        "from": {"cell": start, "port": "Q"},
        "to": {"cell": end, "port": "D"},
    }


@pytest.fixture
def timing() -> str:
    net = "$glbnet$clk$TRELLIS_IO_IN"
    slow = [
        step("clk-to-q", 0.5, "a", "a"),
        step("routing", 0.75, "a", "b.x"),
        step("logic", 0.125, "b.x", "b.x"),
        step("routing", 0.375, "b.x", "b.y"),
        step("setup", 0.25, "b.y", "b.y"),
    ]
    pin = [step("source", 9.0, "pin", "pin")]
    return json.dumps(
        {
            "fmax": {net: {"achieved": 500.004, "constraint": 100}},
            "critical_paths": [
                {"from": "<async>", "to": f"posedge {net}", "path": pin},
                {"from": f"posedge {net}", "to": f"posedge {net}", "path": slow},
                {"from": f"posedge {net}", "to": "<async>", "path": pin},
            ],
        }
    )


def test_critical_path_is_the_clocks_own(timing: str) -> None:
    (clock,) = parse_clocks(timing, lambda cell: cell[0])
    assert (clock.name, clock.fmax_mhz, clock.target_mhz, clock.met) == ("clk", 500.0, 100, True)
    assert clock.critical_path == CriticalPath(
        start="a.Q",
        end="b.y.D",
        delay_ns=2.0,
        logic_ns=0.875,
        routing_ns=1.125,
        hops=(
            Hop(module="a", cells=1, logic_ns=0.5, routing_ns=0),
            Hop(module="b", cells=2, logic_ns=0.375, routing_ns=1.125),
        ),
    )
