"""What the accelerator is on a chip: `make bench-silicon` writes benchmarks/results/silicon.json.

The figures come in sections that do not need each other. Each is measured alone (SECTION=routed),
carries the circumstances it was measured in, and leaves those of the other sections as they are.
Synthesis and routing are kept by content in build/synth, so an interrupted section goes on.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks import record, sections
from benchmarks.elements import arrays, elements
from benchmarks.zoo import table, zoo
from rich.console import Console

from bitwright.isa import Architecture
from bitwright.rtl import TOP, generate
from bitwright.synth import area_tree, find_device, route_seeds
from bitwright.synth.cost import shipped_model

NAME = "silicon"
SEEDS = (1, 2, 3)
ROUTED: tuple[tuple[str, str], ...] = (
    ("examples/arch/4x4.toml", "ecp5-45f"),
    ("examples/arch/8x8.toml", "ecp5-45f"),
    ("examples/arch/4x4.toml", "nexus-lifcl40"),
)
"""Architectures and the devices they are routed on."""
console = Console(width=140)


def routed() -> dict[str, Any]:
    """Resources, Fmax of each seed and their median, its critical path and the area by module."""
    found = {}
    for file, name in ROUTED:
        architecture, device = Architecture.load(record.ROOT / file), find_device(name)
        verilog = generate(architecture, device.family.technology)
        with console.status(f"{file} on {name}"):
            sweep = route_seeds(verilog, TOP, device, SEEDS)
        median = sweep.median
        netlist = median.synthesis
        found[f"{file} on {name}"] = {
            "architecture": file,
            "device": name,
            "architecture_hash": f"{architecture.hash:016x}",
            "tools": [netlist.tool, median.tool],
            "netlist": asdict(netlist.resources),
            "routed_with_harness": asdict(median.resources),
            "utilisation": median.utilisation,
            "fmax_mhz": sweep.fmax_mhz,
            "seeds": {str(run.seed): run.fmax_mhz for run in sweep.runs},
            "clocks": [asdict(clock) for clock in median.clocks],
            "modules": {
                branch.path or "(top)": {"instances": branch.instances} | branch.counts
                for branch in area_tree(netlist.modules)
            },
            "seconds": {"yosys": netlist.seconds, "nextpnr": [r.seconds for r in sweep.runs]},
        }
        console.print(
            f"{file} on {name}: {sweep.fmax_mhz:g} MHz, {asdict(netlist.resources)}",
            highlight=False,
        )
    return found


def cost_model() -> dict[str, Any]:
    """How far the shipped cost model is from yosys, on each run it was fitted to."""
    model = shipped_model()
    misses = {
        run["name"]: {
            resource: round(run["model"][resource] / count - 1, 4)
            for resource, count in run["yosys"].items()
            if count
        }
        for run in model.runs
    }
    for resource, error in model.error.items():
        console.print(f"{resource}: predicted from the other runs within {error:.1%}")
    return {"tool": model.tool, "left_out": dict(model.error), "misses": misses}


def networks() -> dict[str, Any]:
    """Utilisation of the zoo's networks beside the textbook array, and that they run exactly."""
    with console.status("") as status:
        figures = zoo(tell=status.update)
    console.print(table(figures))
    return {"exact": all(f.exact for f in figures), "networks": [f.to_json() for f in figures]}


SECTIONS: Mapping[str, sections.Section] = {
    "networks": networks,
    "elements": elements,
    "arrays": arrays,
    "routed": routed,
    "cost_model": cost_model,
}
"""Every section by name; one more is one more line."""


def main(argv: list[str] | None = None) -> int:
    """Measure the sections asked for (all, if none), writing after each."""
    return sections.run(NAME, SECTIONS, "Measure the accelerator on a chip.", console, argv)


if __name__ == "__main__":
    raise SystemExit(main())
