"""The demo's design on a chip: one that routes within minutes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bitwright.isa import Architecture
from bitwright.synth import SynthesisError, area_tree, find_device, route_seeds
from bitwright.synth.tools import Progress

ARCHITECTURE = Architecture(
    name="4x4",
    rows=4,
    columns=4,
    accumulator_bits=24,
    multiplier_bits=16,
    residual_bits=27,
    activation_words=2048,
    weight_words=4096,
    parameter_records=256,
    execute_instructions=64,
    fetch_instructions=64,
)
"""That of examples/arch/4x4.toml: the default 8x8 takes a quarter of an hour."""
DEVICE = "ecp5-45f"
COUNTS = ("luts", "ffs", "dsps", "brams")


def route_small(progress: Progress, build: Path = Path("build/synth")) -> dict[str, Any]:
    """Synthesize and route the small design, for `report.json`; without tools, say what is missing.

    The counts are the netlist's, without the harness that stands for the pins.
    """
    from bitwright.rtl import TOP, generate

    device = find_device(DEVICE)
    verilog = generate(ARCHITECTURE, device.family.technology)
    try:
        sweep = route_seeds(verilog, TOP, device, (1,), build=build, on_progress=progress)
    except SynthesisError as error:
        return not_routed(str(error))
    median = sweep.median
    netlist = median.synthesis
    (clock,) = median.clocks
    return asdict(netlist.resources) | {
        "fmax_mhz": sweep.fmax_mhz,
        "silicon": {
            "architecture": ARCHITECTURE.name,
            "device": DEVICE,
            "tools": [netlist.tool, median.tool],
            "there": asdict(device.capacity),
            "seeds": [run.seed for run in sweep.runs],
            "target_mhz": clock.target_mhz,
            "path": [asdict(hop) for hop in clock.critical_path.hops]
            if clock.critical_path
            else [],
            "modules": [[b.path or "(top)", b.counts] for b in area_tree(netlist.modules)],
        },
    }


def not_routed(why: str) -> dict[str, Any]:
    """Give what `report.json` says without a routed design."""
    return dict.fromkeys((*COUNTS, "fmax_mhz")) | {"silicon": {"missing": why}}
