"""What a product costs on the ECP5: elements mapped by hand beside yosys alone, and arrays routed.

Sections of `make bench-silicon`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.designs import TOP, Alone, verilog_of
from rich.console import Console

from bitwright.rtl.array import SystolicArray
from bitwright.rtl.pe import ElementPair
from bitwright.synth import Device, find_device, route_seeds, synthesize

ACCUMULATOR_BITS = 24
console = Console()


@dataclass(frozen=True)
class Shape:
    """What `SystolicArray` and `ElementPair` read of an architecture; any even size will do."""

    rows: int
    columns: int
    pe_multiplier: str
    pe_dsps: int
    accumulator_bits: int = ACCUMULATOR_BITS


ARRAYS: Mapping[str, tuple[Shape, Shape]] = {
    "ecp5-25f": (Shape(14, 12, "twin", 28), Shape(7, 4, "dsp", 28)),
    "ecp5-85f": (Shape(22, 22, "twin", 156), Shape(13, 12, "dsp", 156)),
}
"""Per device: the array to route, and the one that yosys infers with a multiplier block each."""
SEEDS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "ecp5-25f": ((1, 2, 3), (1, 2, 3)),
    "ecp5-85f": ((1, 2, 5), (1, 2, 3)),
}
"""Of each. From seeds 3 and 4 22x22 was not routed in 1 h 50 min and in 2 h 40 min."""


def elements() -> dict[str, Any]:
    """LUT sites, flip-flops and blocks of one multiply-accumulate, each way of making it."""
    device = find_device("ecp5-25f")
    without = replace(
        device,
        family=replace(device.family, yosys_command=f"{device.family.yosys_command} -nodsp"),
    )
    found = {}
    for name, style, technology, target in (
        ("yosys alone, no blocks", "dsp", "portable", without),
        ("yosys alone, a block each", "dsp", "portable", device),
        ("carry chains", "lut", "ecp5", device),
        ("twin", "twin", "ecp5", device),
    ):
        pair = ElementPair(Shape(2, 2, style, 0), style)  # type: ignore[arg-type]
        used = synthesize(verilog_of(pair, technology), TOP, target).resources
        found[name] = {key: count / 2 for key, count in asdict(used).items()}
        console.print(f"a MAC, {name}: {found[name]}", highlight=False)
    ratio = found["yosys alone, no blocks"]["luts"] / found["carry chains"]["luts"]
    console.print(f"without blocks yosys alone takes {ratio:.1f} times the LUTs")
    return {
        "accumulator_bits": ACCUMULATOR_BITS,
        "per_mac": found,
        "luts_of_yosys_alone": ratio,
        "products_per_block": 1 / found["twin"]["dsps"],
    }


def arrays() -> dict[str, Any]:
    """Fmax and GOPS (two operations a MAC) of the largest arrays, beside DSP-only inferred ones."""
    found = {}
    for name, shapes in ARRAYS.items():
        device = find_device(name)
        rows = [
            _routed(shape, device, technology, seeds)
            for shape, technology, seeds in zip(
                shapes, ("ecp5", "portable"), SEEDS[name], strict=True
            )
        ]
        ratio = rows[0]["gops"] / rows[1]["gops"]
        found[name] = {"mapped": rows[0], "inferred": rows[1], "ratio": ratio}
        console.print(f"{name}: {ratio:.1f} times the GOPS of inferred blocks alone")
    return found


def _routed(
    shape: Shape, device: Device, technology: str, seeds: tuple[int, ...]
) -> dict[str, Any]:
    array = SystolicArray(shape)  # type: ignore[arg-type]
    alone = Alone("array", array, direct=("first", "last"))
    with console.status(f"{shape.rows}x{shape.columns} on {device.name}"):
        sweep = route_seeds(verilog_of(alone, technology), TOP, device, seeds)
    gops = 2e-3 * shape.rows * shape.columns * sweep.fmax_mhz
    console.print(
        f"{device.name}, {technology}, {shape.rows}x{shape.columns}:"
        f" {sweep.fmax_mhz:g} MHz, {gops:.1f} GOPS",
        highlight=False,
    )
    return {
        "shape": asdict(shape),
        "technology": technology,
        "netlist": asdict(sweep.median.synthesis.resources),
        "fmax_mhz": sweep.fmax_mhz,
        "seeds": {str(run.seed): run.fmax_mhz for run in sweep.runs},
        "gops": gops,
    }
