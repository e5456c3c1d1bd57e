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

    verilog = generate(ARCHITECTURE, find_device(DEVICE).family.technology)
    return _route("a 4x4 accelerator", verilog, TOP, progress, build)


def route_xnor(
    architecture: Architecture, progress: Progress, build: Path = Path("build/synth")
) -> dict[str, Any]:
    """The same of an architecture's engine of binary layers, which is what runs such networks."""
    from bitwright.rtl import XNOR_TOP, generate_xnor

    verilog = generate_xnor(architecture, find_device(DEVICE).family.technology)
    design = f"the XNOR engine of an {architecture.name} accelerator"
    return _route(design, verilog, XNOR_TOP, progress, build)


def _route(design: str, verilog: str, top: str, progress: Progress, build: Path) -> dict[str, Any]:
    device = find_device(DEVICE)
    try:
        sweep = route_seeds(verilog, top, device, (1,), build=build, on_progress=progress)
    except SynthesisError as error:
        return not_routed(str(error))
    median = sweep.median
    netlist = median.synthesis
    (clock,) = median.clocks
    return asdict(netlist.resources) | {
        "fmax_mhz": sweep.fmax_mhz,
        "silicon": {
            "design": design,
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
