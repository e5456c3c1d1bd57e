"""Networks of bits: accuracy, the RTL beside the reference, and what the XNOR engine costs.

`make bench-binary` writes benchmarks/results/binary.json. Each section is measured alone
(SECTION=bits) and leaves the others as they are. The accuracies are those that
`make bench-binary-train` has found.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from benchmarks import record, sections
from benchmarks.designs import TOP, Alone, verilog_of
from benchmarks.popcounts import CODINGS, Inferred
from rich.console import Console
from tests.support.binary_networks import cnv, stacked_network
from tests.support.networks import random_codes

from bitwright.compiler import compile, predict
from bitwright.compress import load_reference
from bitwright.isa import Architecture
from bitwright.rtl.popcount import XnorDifference
from bitwright.rtl.xnor import XnorEngine
from bitwright.sim import measure, verify
from bitwright.sim.parallel import run_pieces
from bitwright.synth import find_device, route_seeds, synthesize

NAME = "binary"
TRAINED = ("tfc", "sfc", "lfc")
MACHINE = "examples/arch/8x8-xnor.toml"
DEVICE = "ecp5-25f"
SEEDS = (1, 2, 3)
WIDTHS = (64, 128, 256)
WIDTHS_OF_LAYERS = (784, 1024, 1024, 1024, 10)
"""LFC of FINN (Umuroglu et al., FPGA 2017): a multilayer perceptron of one-bit codes."""
BATCH = 256
TRAINED_BATCH = 64
console = Console()


@dataclass(frozen=True)
class Shape:
    """What `XnorEngine` reads of an architecture; any number of rows will do."""

    rows: int
    columns: int
    lanes: int
    accumulator_bits: int = 16


ALONE = Shape(rows=24, columns=32, lanes=32)
"""The engine to route: 24 rows of 256 bits."""


def bits() -> dict[str, Any]:
    """LUT sites per bit of XNOR, count and difference: mapped, as portable text, and inferred."""
    found = {}
    for width in WIDTHS:
        designs = {
            "mapped": (XnorDifference(width), "ecp5"),
            "portable text": (XnorDifference(width), "portable"),
        } | {
            f"inferred, {name}": (Inferred(width, count), "portable")
            for name, count in CODINGS.items()
        }
        sites = {}
        for name, (design, technology) in designs.items():
            used = synthesize(verilog_of(design, technology), TOP, find_device(DEVICE)).resources
            sites[name] = used.luts / width
        alone = min(count for name, count in sites.items() if name != "mapped")
        found[str(width)] = {
            "lut_sites_per_bit": sites,
            "best_of_yosys_alone": alone,
            "times_fewer": alone / sites["mapped"],
        }
        console.print(
            f"{width} bits: {sites['mapped']:.2f} LUT sites a bit, yosys alone {alone:.2f}",
            highlight=False,
        )
    return found


# Networks


def accuracies() -> dict[str, Any]:
    """What the trained networks reach, beside what was published for their topology."""
    path = record.ROOT / "benchmarks" / "results" / "binary_train.json"
    trained = json.loads(path.read_text())
    for row in trained["networks"]:
        console.print(
            f"{row['name']}: {row['accuracy']:.2f} %, published {row['published']:.2f} %",
            highlight=False,
        )
    return {"trained": trained["measured"], "networks": trained["networks"]}


def mnist() -> dict[str, Any]:
    """All 10,000 test images through every layer of the trained networks on the RTL."""
    found = {}
    for name in TRAINED:
        reference = load_reference(record.ROOT / f"examples/models/{name}-1w1a.bw", "mnist")
        program = compile(
            reference.network, Architecture.load(record.ROOT / MACHINE), TRAINED_BATCH
        )
        measured = measure(program, reference.codes)
        run = measured.to_json(program, reference.test.labels)
        kept = (
            "images",
            "outputs_compared",
            "mismatches",
            "cycle_errors",
            "accuracy_rtl",
            "sim_cycles_per_second",
        )
        found[name] = {"batch": TRAINED_BATCH, "equal": measured.found.equal} | {
            key: run[key] for key in kept
        }
        console.print(
            f"{name}: {run['images']} images, {run['outputs_compared']} outputs,"
            f" {run['mismatches']} differ",
            highlight=False,
        )
    return {"architecture": MACHINE, "networks": found}


def network(images: int = 10_000) -> dict[str, Any]:
    """LFC's shape on 8x8 with the engine: exact, its cycles, and how fast it is simulated."""
    architecture = Architecture.load(record.ROOT / MACHINE)
    made = stacked_network(WIDTHS_OF_LAYERS[:1], WIDTHS_OF_LAYERS[1:], bits=True)
    program = compile(made, architecture, BATCH)
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, (images, *made.input.shape), np.int8)
    expected = made.run(x)
    began = time.perf_counter()
    exact, cycles, modelled = True, 0, 0
    for piece in run_pieces(program, x):
        run = piece.run
        exact &= bool((run.outputs == expected[piece.first :][: len(run.outputs)]).all())
        cycles += run.total_cycles
        modelled += predict(program, program.packets_of(len(run.outputs))).total
    seconds = time.perf_counter() - began
    # In the steady state: what another packet adds to a run.
    each = (predict(program, 2).total - predict(program, 1).total) / BATCH
    products = sum(made.macs().values())
    share = products / each / (architecture.rows * 8 * architecture.lanes)
    console.print(
        f"{images} images in {seconds:.0f} s, exact: {exact}; {each:.0f} cycles an image,"
        f" {share:.1%} of the engine's bits",
        highlight=False,
    )
    return {
        "architecture": MACHINE,
        "architecture_hash": f"{architecture.hash:016x}",
        "layers": WIDTHS_OF_LAYERS,
        "batch": BATCH,
        "images": images,
        "exact": exact,
        "cycles": cycles,
        "cycles_of_model": modelled,
        "cycles_per_image": each,
        "products_per_image": products,
        "share_of_engine": share,
        "seconds": seconds,
    }


def convolutional(images: int = 100) -> dict[str, Any]:
    """FINN's CNV of random weights on random inputs: every layer's bits, and the cycles."""
    architecture = Architecture.load(record.ROOT / MACHINE)
    program = compile(cnv(), architecture)
    found = verify(program, random_codes(program.network, images, seed=1))
    console.print(
        f"CNV: {images} inputs, {found.outputs} outputs,"
        f" {found.differing} differ;"
        f" {predict(program).total} cycles an input",
        highlight=False,
    )
    return {
        "architecture": MACHINE,
        "inputs": images,
        "outputs_compared": found.outputs,
        "mismatches": found.differing,
        "cycle_errors": len(found.cycle_errors),
        "cycles_of_model": predict(program).total,
        "products": sum(program.network.macs().values()),
    }


# On a chip


def chip() -> dict[str, Any]:
    """The engine alone, placed and routed: Fmax, and 2 operations a bit and cycle."""
    device, shape = find_device(DEVICE), ALONE
    alone = Alone("engine", XnorEngine(shape))  # type: ignore[arg-type]
    with console.status(f"{shape.rows} rows of {8 * shape.lanes} bits on {DEVICE}"):
        sweep = route_seeds(verilog_of(alone, "ecp5"), TOP, device, SEEDS)
    products = shape.rows * 8 * shape.lanes
    tops = 2e-6 * products * sweep.fmax_mhz
    used = sweep.median.synthesis.resources
    console.print(
        f"{DEVICE}: {products} bits a cycle, {sweep.fmax_mhz:g} MHz (median of {len(SEEDS)}"
        f" seeds), {tops:.2f} TOPS, {used.luts} LUTs, {used.ffs} flip-flops",
        highlight=False,
    )
    return {
        "device": DEVICE,
        "shape": asdict(shape),
        "bits_per_cycle": products,
        "netlist": asdict(used),
        "utilisation": sweep.median.utilisation,
        "fmax_mhz": sweep.fmax_mhz,
        "seeds": {str(run.seed): run.fmax_mhz for run in sweep.runs},
        "tops": tops,
    }


SECTIONS: Mapping[str, sections.Section] = {
    "accuracies": accuracies,
    "mnist": mnist,
    "network": network,
    "cnv": convolutional,
    "bits": bits,
    "chip": chip,
}


def main(argv: list[str] | None = None) -> int:
    """Measure the sections asked for (all, if none), writing after each."""
    return sections.run(NAME, SECTIONS, "Measure networks of bits.", console, argv)


if __name__ == "__main__":
    raise SystemExit(main())
