"""The small design through yosys and nextpnr."""

import json
from pathlib import Path

import pytest

from bitwright.synth import (
    DEVICES,
    DoesNotFitError,
    Resources,
    RouteReport,
    SynthesisError,
    SynthesisReport,
    find_device,
    place_and_route,
    synthesize,
    tools,
)
from bitwright.synth.flow import check_fit

# MultiplyAccumulate: the registers a, b, product, acc and count; its port bits without the clock.
DESIGN_FFS = 8 + 8 + 16 + 24 + 8
DESIGN_INPUTS = 8 + 8 + 1 + 1
DESIGN_OUTPUTS = 24 + 8

ICE40 = find_device("ice40-up5k")


def test_synthesis_counts_every_register_and_the_multiplier(routed: RouteReport) -> None:
    assert routed.synthesis.resources.ffs == DESIGN_FFS
    assert routed.synthesis.resources.dsps == 1
    assert routed.synthesis.resources.brams == 0
    assert routed.synthesis.resources.luts >= 24 + 8  # one per adder bit at least


def test_harness_costs_what_its_docstring_says(routed: RouteReport) -> None:
    inputs, outputs = DESIGN_INPUTS, DESIGN_OUTPUTS
    expected = Resources(luts=outputs, ffs=inputs + 2 * outputs, dsps=0, brams=0)
    assert routed.harness == expected


def test_routing_keeps_the_whole_netlist(routed: RouteReport) -> None:
    assert routed.resources.ffs == DESIGN_FFS + routed.harness.ffs
    assert routed.resources.dsps == 1


def test_fmax_and_critical_path_agree(routed: RouteReport) -> None:
    (clock,) = routed.clocks
    assert clock.name == "clk"
    assert clock.critical_path is not None
    assert 1000 / clock.critical_path.delay_ns == pytest.approx(clock.fmax_mhz, rel=1e-3)
    assert clock.met == (clock.fmax_mhz >= ICE40.target_mhz)
    path = clock.critical_path
    assert path.delay_ns == pytest.approx(path.logic_ns + path.routing_ns, abs=0.002)
    assert "." in path.start
    assert "." in path.end


def test_missed_target_is_reported_and_no_error(
    design: str, build: Path, routed: RouteReport
) -> None:
    fast = place_and_route(design, "mac", ICE40, freq_mhz=400, build=build)
    assert (fast.clocks[0].target_mhz, fast.clocks[0].met) == (400, False)
    assert fast.digest != routed.digest


def test_seed_is_routed_anew_on_the_same_netlist(
    design: str, build: Path, routed: RouteReport
) -> None:
    other = place_and_route(design, "mac", ICE40, seed=2, build=build)
    assert (routed.seed, other.seed) == (1, 2)
    placed = [
        (build / digest / "routed.json").read_bytes() for digest in (routed.digest, other.digest)
    ]
    assert placed[0] != placed[1]
    assert other.synthesis == routed.synthesis


def test_equal_call_reads_the_kept_result(
    design: str, build: Path, routed: RouteReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> float:
        raise AssertionError("a tool was run again")

    monkeypatch.setattr(tools, "run", refuse)
    assert place_and_route(design, "mac", ICE40, build=build) == routed
    assert synthesize(design, "mac", ICE40, build=build) == routed.synthesis


def test_reports_survive_json(routed: RouteReport) -> None:
    assert RouteReport.from_json(routed.to_json()) == routed
    assert SynthesisReport.from_json(routed.synthesis.to_json()) == routed.synthesis
    written = json.loads(routed.to_json())
    assert written["fmax_mhz"] == routed.fmax_mhz
    assert written["utilisation"]["dsps"] == 1 / 8


def test_capacity_of_the_ice40_is_nextpnrs(build: Path, routed: RouteReport) -> None:
    assert_capacity_is_nextpnrs("ice40-up5k", build / routed.digest)


def test_device_without_multipliers_builds_products_of_luts(design: str, build: Path) -> None:
    routed = place_and_route(design, "mac", find_device("ice40-hx8k"), build=build)
    assert_capacity_is_nextpnrs("ice40-hx8k", build / routed.digest)
    assert routed.resources.dsps == 0
    assert routed.resources.luts > 8 * 8


@pytest.mark.parametrize("name", ["nexus-lifcl40", "gowin-gw2a18"])
def test_harness_has_pins_where_nextpnr_chooses_none(name: str, design: str, build: Path) -> None:
    device = find_device(name)
    routed = place_and_route(design, "mac", device, build=build)
    assert_capacity_is_nextpnrs(name, build / routed.digest)
    assert not any("BUF" in kind or kind in ("IB", "OB") for kind, _ in routed.synthesis.cells)
    assert (routed.synthesis.resources.dsps, routed.harness.dsps) == (1, 0)
    # The multiplier of the Nexus takes its operands' and product's registers in.
    absorbed = 8 + 8 + 16 if name == "nexus-lifcl40" else 0
    assert routed.synthesis.resources.ffs == DESIGN_FFS - absorbed
    assert routed.harness.ffs == DESIGN_INPUTS + 2 * DESIGN_OUTPUTS
    (clock,) = routed.clocks
    assert (clock.name, clock.target_mhz) == ("clk", device.target_mhz)


def test_design_without_a_timed_path_is_an_error(build: Path) -> None:
    product = """module product(input clk, input [7:0] a, b, output [15:0] p);
      assign p = a * b; endmodule"""
    with pytest.raises(SynthesisError, match="product: no timed path between registers"):
        place_and_route(product, "product", find_device("gowin-gw2a18"), build=build)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ecp5-25f", "ecp5-45f", "ecp5-85f"])
def test_capacity_of_the_ecp5_is_nextpnrs(name: str, design: str, build: Path) -> None:
    routed = place_and_route(design, "mac", find_device(name), build=build)
    assert_capacity_is_nextpnrs(name, build / routed.digest)
    assert routed.resources.ffs == DESIGN_FFS + DESIGN_INPUTS + 2 * DESIGN_OUTPUTS
    assert routed.fmax_mhz > 50


def assert_capacity_is_nextpnrs(name: str, folder: Path) -> None:
    device = DEVICES[name]
    found = json.loads((folder / "nextpnr.json").read_text())["utilization"]
    there = {key: found[site]["available"] for key, site in device.family.sites.items()}
    assert there == {key: getattr(device.capacity, key) for key in there}


def test_yosys_error_shows_the_line_and_the_exit_code(build: Path) -> None:
    with pytest.raises(SynthesisError, match="ended with exit code 1:") as raised:
        synthesize(
            "module mac(input clk, output q); assign q = !; endmodule", "mac", ICE40, build=build
        )
    assert "design.v:1: ERROR: syntax error" in str(raised.value)
    folder = Path(str(raised.value).rsplit(": ", 1)[1])
    assert (folder / "yosys.log").is_file()
    assert not folder.with_suffix("").exists()


def test_top_that_is_no_identifier_is_refused(build: Path) -> None:
    with pytest.raises(ValueError, match="plain identifier, got 'mac; shell'"):
        synthesize("", "mac; shell", ICE40, build=build)


def test_clock_at_0_mhz_is_refused(design: str, build: Path) -> None:
    with pytest.raises(ValueError, match="above 0 MHz, got 0"):
        place_and_route(design, "mac", ICE40, freq_mhz=0, build=build)


def test_design_that_does_not_fit_is_refused_with_what_is_missing() -> None:
    used = Resources(luts=6000, ffs=10, dsps=9, brams=30)
    with pytest.raises(DoesNotFitError) as raised:
        check_fit(used, ICE40)
    assert "6000 luts needed, 5280 there; 9 dsps needed, 8 there;" in str(raised.value)
    assert "brams" not in str(raised.value)
