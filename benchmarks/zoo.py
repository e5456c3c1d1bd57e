"""How well the zoo's networks use the array, and that they run exactly: `python -m benchmarks.zoo`.

Utilisation is a network's multiply-accumulates over R C products in each cycle of its convolutions,
depthwise convolutions and linear layers; of the run, over all its cycles, transfers, pooling and
waits for weights included. Both are counted on the RTL where it is run, else predicted. The
depthwise engine's own multipliers are not among the R C: a layer on it may exceed 100 %.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.textbook import textbook_cycles
from rich.console import Console
from rich.table import Table
from tests.support.networks import random_codes

from bitwright.compiler import Program, compile, predict, summarize
from bitwright.isa import Architecture
from bitwright.network import Network
from bitwright.sim import verify
from bitwright.sim.rtl import machine_library
from bitwright.zoo import ZOO, build

SIZES = (8, 16)
"""Rows and columns of the arrays."""
BATCHES = {"super-resolution": 1, "resnet18": 2}
"""Inputs of a batch, where not one per row."""
LARGE = ("super-resolution", "resnet18")
"""Networks whose activations need the large buffers."""
INPUTS = {"resnet18": 1}
"""Inputs that are run on the RTL, where not `INPUTS_OTHERWISE`."""
INPUTS_OTHERWISE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of a network on an array."""

    network: str
    array: str
    batch: int
    """Inputs that go through the machine together."""
    macs: int
    """Of one input."""
    cycles: int
    """Of the layers that multiply, for one batch."""
    run: int
    """Of the run of one batch."""
    stalls: int
    """Cycles of those that wait for weights."""
    utilisation: float
    utilisation_run: float
    textbook: float
    """Utilisation of the textbook array."""
    inputs: int
    """Run on the RTL and compared; 0 if only predicted."""
    outputs_compared: int = 0
    differing: int = 0
    cycles_off: int = 0
    seconds: float = 0.0
    """To run the inputs on the RTL and the reference and to compare all, the model being built."""

    @property
    def exact(self) -> bool:
        """No output differs, nor any cycle count."""
        return self.differing == 0 and self.cycles_off == 0

    def to_json(self) -> dict[str, Any]:
        """All figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def batch_of(network: str, size: int) -> int:
    """The inputs of a batch: a row of the array for each, of large networks fewer."""
    return BATCHES.get(network, size)


def architecture_for(network: str, size: int) -> Architecture:
    """An array of ``size`` x ``size`` with buffers that hold the activations of a batch.

    Weights that do not fit are streamed. Few architectures for all: each takes minutes to Verilate.
    """
    return Architecture(
        name=f"{size}x{size}",
        rows=size,
        columns=size,
        activation_words=1 << (18 if network in LARGE else 16),
        weight_words=1 << 15,
        line_words=64,
        parameter_records=4096,
        execute_instructions=512,
        fetch_instructions=512,
    )


def measure(
    name: str,
    network: Network,
    architecture: Architecture,
    inputs: int,
    batch: int = 1,
    seed: int = 1,
) -> Figures:
    """Predict, and with ``inputs`` run them on the RTL and compare every output and cycle."""
    program = compile(network, architecture, batch)
    products = architecture.rows * architecture.columns
    prediction = predict(program)
    macs = sum(network.macs().values())
    cycles = multiplying_cycles(program)
    textbook = sum(textbook_cycles(x, architecture.rows, architecture.columns) for x in network)
    compared: dict[str, Any] = {}
    if inputs:
        machine_library(architecture)
        began = time.perf_counter()
        found = verify(program, random_codes(network, inputs, seed))
        if found.machine_error:
            raise RuntimeError(f"{name} on {architecture.name}: {found.machine_error}")
        compared = {
            "outputs_compared": found.outputs,
            "differing": found.differing,
            "cycles_off": len(found.cycle_errors),
            "seconds": round(time.perf_counter() - began, 1),
        }
    return Figures(
        network=name,
        array=architecture.name,
        batch=batch,
        macs=macs,
        cycles=cycles,
        run=prediction.total,
        stalls=prediction.stalls,
        utilisation=batch * macs / (products * cycles),
        utilisation_run=batch * macs / (products * prediction.total),
        textbook=macs / (products * textbook),
        inputs=inputs,
        **compared,
    )


def multiplying_cycles(program: Program) -> int:
    """Cycles of the layers that have multiply-accumulates."""
    return sum(layer.cycles_model for layer in summarize(program) if layer.macs)


def zoo(
    names: Sequence[str] = tuple(ZOO),
    sizes: Sequence[int] = SIZES,
    run: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Figures]:
    """Every network on every array, one input at a time and in batches; ``tell`` is told which."""
    found = []
    for name in names:
        network = build(name)
        for size in sizes:
            for batch in sorted({1, batch_of(name, size)}):
                inputs = max(batch, INPUTS.get(name, INPUTS_OTHERWISE)) if run else 0
                machine = architecture_for(name, size)
                tell(f"{name} on {machine.name}, batches of {batch}")
                found.append(measure(name, network, machine, inputs, batch))
    return found


def table(figures: Sequence[Figures]) -> Table:
    """The figures as lines to print."""
    shown = Table(
        *("network", "array", "batch", "MACs", "cycles", "utilisation", "textbook", "of the run"),
        *("inputs", "differing", "cycles off", "seconds"),
        box=None,
    )
    for each in figures:
        shown.add_row(
            each.network,
            each.array,
            str(each.batch),
            f"{each.macs:,}",
            f"{each.cycles:,}",
            f"{each.utilisation:.1%}",
            f"{each.textbook:.1%}",
            f"{each.utilisation_run:.1%}",
            str(each.inputs),
            str(each.differing) if each.inputs else "",
            str(each.cycles_off) if each.inputs else "",
            f"{each.seconds:.1f}" if each.inputs else "",
        )
    return shown


def main() -> int:
    """Print the table; 1 if anything is not exact."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(ZOO), help="networks; all if left out")
    parser.add_argument("--size", type=int, action="append", help="rows and columns; 8 and 16")
    parser.add_argument("--predict", action="store_true", help="leave the RTL out")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    chosen = parser.parse_args()
    console = Console(width=140)
    with console.status("") as status:
        figures = zoo(chosen.names, chosen.size or SIZES, not chosen.predict, status.update)
    console.print(table(figures))
    if chosen.output:
        chosen.output.write_text(json.dumps([f.to_json() for f in figures], indent=2) + "\n")
    return 0 if all(f.exact for f in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
