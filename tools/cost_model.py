"""Fit the cost model of `bitwright estimate` to synthesis runs: `make cost-model`.

Each run is kept in build/synth by content: after an interruption, or with more architectures, only
what is new is synthesized. Writes hw/bitwright/synth/cost_model.json, and exits 1 if the fit misses
an architecture that is held out of it by more than a tenth.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bitwright.files import write_whole
from bitwright.isa import Architecture
from bitwright.isa.architecture import ROUNDINGS
from bitwright.rtl import TOP, generate
from bitwright.synth import Resources, SynthesisReport, find_device, synthesize
from bitwright.synth.cost import CostModel, fit

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "hw/bitwright/synth/cost_model.json"
DEVICE = "ecp5-85f"
TOLERANCE = 0.10

SMALL = Architecture(
    name="4x4",
    rows=4,
    columns=4,
    accumulator_bits=24,
    multiplier_bits=16,
    residual_bits=16,
    activation_words=512,
    weight_words=512,
    parameter_records=64,
    execute_instructions=16,
    fetch_instructions=16,
)
LARGE = replace(
    SMALL,
    activation_words=4096,
    weight_words=4096,
    parameter_records=1024,
    execute_instructions=128,
    fetch_instructions=128,
)

# One feature after another is varied, then several at once.
TRAINING: Mapping[str, Architecture] = {
    "4x4": SMALL,
    "2x4": replace(SMALL, rows=2),
    "4x2": replace(SMALL, columns=2),
    "depthwise": replace(SMALL, line_words=64),
    "huffman": replace(SMALL, huffman=True),
    "no residual": replace(SMALL, multiplier_bits=8, residual_bits=0),
    "32-bit accumulators": replace(SMALL, accumulator_bits=32),
    "31-bit multipliers": replace(SMALL, multiplier_bits=31, residual_bits=31),
    "large memories": LARGE,
    "array of adders": replace(SMALL, pe_multiplier="lut"),
    "lanes of adders": replace(SMALL, lane_multiplier="lut"),
    "narrow lanes of adders": replace(SMALL, lane_multiplier="lut", multiplier_bits=8),
    "16-bit accumulators": replace(SMALL, accumulator_bits=16),
    "31-bit residual": replace(SMALL, residual_bits=31),
    "all roundings": replace(SMALL, roundings=ROUNDINGS),
    "array of single products": replace(SMALL, pe_multiplier="dsp"),
    "small memories": replace(SMALL, activation_words=64, weight_words=64, parameter_records=16),
    "4x8": replace(SMALL, columns=8),
    "8x4": replace(SMALL, rows=8),
    "8x8": replace(SMALL, rows=8, columns=8),
    "8x8, 32 bits": replace(SMALL, rows=8, columns=8, accumulator_bits=32, multiplier_bits=31),
    "8x8 xnor": replace(SMALL, rows=8, columns=8, xnor=True),
    "8x8 of adders": replace(SMALL, rows=8, columns=8, pe_multiplier="lut", line_words=64),
    "8x16": replace(LARGE, rows=8, columns=16),
    "16x8": replace(LARGE, rows=16, columns=8, line_words=128),
    "16x16": replace(LARGE, rows=16, columns=16),
    "16x16 xnor": replace(LARGE, rows=16, columns=16, xnor=True),
}
HELD_OUT: Mapping[str, Architecture] = {
    "held out 2x4": replace(LARGE, rows=2, accumulator_bits=28, residual_bits=24),
    "examples/arch/4x4.toml": Architecture.load(ROOT / "examples/arch/4x4.toml"),
    "held out 4x8": replace(LARGE, columns=8, accumulator_bits=20, line_words=32),
    "the default": Architecture(),
    "examples/arch/16x16.toml": Architecture.load(ROOT / "examples/arch/16x16.toml"),
}
console = Console()


def main(argv: list[str] | None = None) -> int:
    """Synthesize what is new, fit, compare, write; 1 if a held-out one is missed by too much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--most-elements",
        type=int,
        default=256,
        metavar="N",
        help="leave out arrays of more elements (16 takes minutes, 256 hours; default 256)",
    )
    most = parser.parse_args(argv).most_elements
    training, tool = synthesized(TRAINING, most)
    held_out, _ = synthesized(HELD_OUT, most)
    model = fit(training, tool)
    write_whole(MODEL, model.to_json() + "\n")
    console.print(f"{MODEL.relative_to(ROOT)}: fitted to {len(training)} runs of {tool}")
    worst = max((compare(name, *run, model) for name, run in held_out.items()), default=0.0)
    console.print(comparison(training | held_out, model, set(held_out)))
    console.print(f"the held-out ones are missed by {worst:.1%} at most")
    return 0 if worst <= TOLERANCE else 1


def synthesized(
    wanted: Mapping[str, Architecture], most: int
) -> tuple[dict[str, tuple[Architecture, Resources]], str]:
    """Synthesize the architectures of at most so many elements, the smallest first."""
    chosen = {n: a for n, a in wanted.items() if a.rows * a.columns <= most}
    found, tool = {}, ""
    ordered = sorted(chosen, key=lambda name: chosen[name].rows * chosen[name].columns)
    for number, name in enumerate(ordered, 1):
        with console.status(f"{name} ({number} of {len(chosen)})"):
            report = synthesized_one(chosen[name])
        console.print(f"{name}: {report.seconds:g} s, build/synth/{report.digest}", highlight=False)
        found[name], tool = (chosen[name], report.resources), report.tool
    return found, tool


def synthesized_one(architecture: Architecture) -> SynthesisReport:
    """Synthesize for the device, or read the result of an earlier run."""
    device = find_device(DEVICE)
    return synthesize(generate(architecture, device.family.technology), TOP, device)


def compare(name: str, architecture: Architecture, counts: Resources, model: CostModel) -> float:
    """Return the largest relative miss of an architecture's counts."""
    estimate = asdict(model.estimate(architecture).resources)
    misses = (abs(estimate[key] / n - 1) for key, n in asdict(counts).items() if n)
    return float(max(misses))


def comparison(
    runs: Mapping[str, tuple[Architecture, Resources]], model: CostModel, held_out: set[str]
) -> Table:
    """Lay out every run: what yosys counted, and how far the model is off."""
    keys = ("luts", "ffs", "dsps", "brams")
    table = Table("architecture", *(part for key in keys for part in (key, "off")), box=None)
    for name, (architecture, counts) in runs.items():
        estimate = asdict(model.estimate(architecture).resources)
        cells = []
        for key, count in asdict(counts).items():
            off = f"{estimate[key] / count - 1:+.1%}" if count else f"{estimate[key]:+d}"
            cells += [str(count), off]
        table.add_row(name, *cells, style="bold" if name in held_out else "")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
