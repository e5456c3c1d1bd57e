"""What a Huffman code saves of the weight stream, and what its decoder takes, also on a chip.

`make bench-huffman` runs it (python -m benchmarks.huffman) and it writes
benchmarks/results/huffman.json. The weights are those of DigitsResNet, trained, in the words that
the compiler makes of them for the default accelerator: 8 bytes a beat, padding included. Each layer
has a code of its own, whose table counts (a count in two bytes, a symbol in one, a pair's values in
one each), and is coded only where that saves beats. All coded layers go through the Verilated
`HuffmanDecoder` and are compared. The beats are set beside those of a byte a weight, and beside
those of indices of as few bits as the layer's values need. Then the whole accelerator runs with
streamed weights, with the decoder and without, from hosts of several widths.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from benchmarks import record
from benchmarks.designs import TOP, verilog_of
from benchmarks.quant import trained
from numpy.typing import NDArray
from rich.console import Console
from tests.support.huffman import Host, Packet
from tests.support.networks import random_codes

from bitwright.compiler import Program, compile
from bitwright.compress.huffman import MAX_LENGTH, HuffmanCode
from bitwright.compress.recipe import Calibrate, Codebook, Context, Qat, Quantize, Step
from bitwright.compress.state import State
from bitwright.isa import Architecture
from bitwright.isa.instructions import FETCH_FIELDS, ExecuteOpcode, FetchOpcode, decode
from bitwright.network import Network
from bitwright.rtl.huffman import HuffmanDecoder, HuffmanFault
from bitwright.sim import VerilatedModel
from bitwright.sim.rtl import RtlMachine
from bitwright.synth import find_device, route_seeds

RECIPES: dict[str, tuple[Step, ...]] = {
    "int8": (Calibrate(), Quantize()),
    "int4": (Calibrate(), Quantize(format="int4", range="mse")),
    "codebook of 16": (Calibrate(), Codebook(bits=4, start="linear")),
    "ternary, trained": (Calibrate(), Quantize(format="ternary"), Qat(epochs=2)),
}
STREAMED = replace(Architecture(), weight_words=1024)
"""The default accelerator with too few words for DigitsResNet: weights come anew every image."""
CYCLES_A_BEAT = (1, 2, 4, 8, 16, 32)
"""Of the hosts that stream weights: how many cycles each takes for a beat, on average."""
IMAGES = 8
DEVICE = "ecp5-25f"
SEEDS = (1, 2, 3)
console = Console(soft_wrap=True, highlight=False)
Words = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Coded:
    """A layer's weights under a code."""

    code: HuffmanCode
    symbols: NDArray[np.int64]
    values: int
    """Bytes that say what the symbols stand for; 0 for weights themselves."""

    @property
    def table_bytes(self) -> int:
        """Of the code's table and the values."""
        return 2 * MAX_LENGTH + sum(length > 0 for length in self.code.lengths) + self.values

    def beats(self, lanes: int) -> int:
        """Beats of the table and of the codes."""
        bits = self.code.bits_of(np.bincount(self.symbols, minlength=len(self.code.lengths)))
        return -(-self.table_bytes // lanes) - (-bits // (8 * lanes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args(arguments)
    architecture = Architecture()
    figures: dict[str, Any] = {"lanes": architecture.lanes, "networks": {}, "machine": {}}
    design = HuffmanDecoder(architecture.lanes)
    with VerilatedModel.build(design, "top", trace=False) as model:
        host = Host(model, architecture.lanes, MAX_LENGTH)
        for name, steps in RECIPES.items():
            lowered = network(steps)
            layers = list(layer_words(compile(lowered, architecture)))
            found = {way: measured(host, layers, way) for way in ("weights", "pairs")}
            figures["networks"][name] = found
            for way, row in found.items():
                console.print(f"{name}, {way}: {line(row)}")
            figures["machine"][name] = machine(lowered)
    figures["chip"] = chip()
    path = record.write("huffman", figures)
    console.print(f"{path.relative_to(record.ROOT)}")
    return 0


def network(steps: Sequence[Step]) -> Network:
    """DigitsResNet after a recipe, in integers."""
    graph, dataset = trained("resnet", 0)
    state = State.start(graph)
    for number, step in enumerate(steps, 1):
        state = step.apply(state, Context(dataset=dataset, seed=number))
    return state.lower()


def layer_words(program: Program) -> Iterator[Words]:
    """(words, lanes) of each layer's weights, of a program that keeps them all in the buffer."""
    fetched = [decode(FETCH_FIELDS, list(words)) for words in program.fetch]
    lengths = program.packets(body=False) + program.packets(body=True)
    buffer = np.concatenate(
        [
            program.prologue[end - length : end]
            for fields, end, length in zip(fetched, np.cumsum(lengths), lengths, strict=True)
            if fields["opcode"] == FetchOpcode.WEIGHTS
        ]
    )
    decoded = program.decoded()
    starts = {
        min(decoded[n]["weight_base"] for n in plan.instructions)
        for plan in program.layers
        if any(decoded[n]["opcode"] == ExecuteOpcode.CONV for n in plan.instructions)
    }
    assert not len(program.body), "weights are streamed"
    yield from np.split(buffer, sorted(starts - {0}))


def coded(words: Words, way: str) -> Coded | None:
    """A code of the weights, or of pairs of them where they have 16 values at most."""
    values, index = np.unique(words, return_inverse=True)
    symbols = words.ravel().astype(np.int64)
    if way == "pairs":
        if len(values) > 16:
            return None
        first, second = index.reshape(-1, 2).T
        symbols = (16 * first + second).astype(np.int64)
    code = HuffmanCode.from_counts(np.bincount(symbols, minlength=256))
    return Coded(code, symbols, len(values) if way == "pairs" else 0)


def measured(host: Host, layers: Sequence[Words], way: str) -> dict[str, Any]:
    """Beats of all layers with and without codes; cycles of the decoder for those with one."""
    plain = packed = beats = cycles = symbols = chosen = coded_plain = 0
    for words in layers:
        plain += len(words)
        packed += -(-len(words) * max(1, (len(np.unique(words)) - 1).bit_length()) // 8)
        packet = coded(words, way)
        if packet is None or packet.beats(host.lanes) >= len(words):
            beats += len(words)
            continue
        beats += packet.beats(host.lanes)
        coded_plain += len(words)
        chosen += 1
        symbols += len(packet.symbols)
        cycles += decoder_cycles(host, packet)
    return {
        "layers": len(layers),
        "layers_coded": chosen,
        "beats": plain,
        "beats_coded": beats,
        "beats_packed": packed,
        "ratio": plain / beats,
        "ratio_packed": packed / beats,
        "symbols": symbols,
        "decoder_cycles": cycles,
        "breakeven_bytes_per_cycle": host.lanes * coded_plain / cycles if cycles else None,
    }


def decoder_cycles(host: Host, packet: Coded) -> int:
    """From the table's first number to ``done``; an error if a symbol differs."""
    before = host.model.cycles
    host.load(packet.code.table())
    bits = packet.code.encode(packet.symbols)
    symbols, fault, _ = host.run(Packet.of(len(packet.symbols), bits, host.lanes))
    if fault is not HuffmanFault.NONE or symbols != packet.symbols.tolist():
        raise AssertionError(f"the decoder differs from the code: {fault.name}")
    return host.model.cycles - before


def machine(lowered: Network) -> list[dict[str, Any]]:
    """Cycles of a run with streamed weights, plain and coded, from hosts of several widths."""
    programs = [compile(lowered, replace(STREAMED, huffman=huffman)) for huffman in (False, True)]
    found = []
    for each in CYCLES_A_BEAT:
        plain, coded = (run_cycles(program, each) for program in programs)
        row = {
            "bytes_per_cycle": STREAMED.lanes / each,
            "beats": len(programs[0].body),
            "beats_coded": len(programs[1].body),
            "cycles": plain,
            "cycles_coded": coded,
            "saved": plain - coded,
        }
        console.print(
            f"  {row['bytes_per_cycle']:g} bytes a cycle: {plain} cycles an image become {coded},"
            f" {plain / coded:.2f} times fewer"
        )
        found.append(row)
    return found


def run_cycles(program: Program, cycles_a_beat: int) -> int:
    """Cycles an image on the RTL; an error if an output differs from the reference."""
    x = random_codes(program.network, IMAGES, seed=1)
    with RtlMachine(program) as machine:
        machine.pause(seed=1, weights=1 - 1 / cycles_a_beat)
        run = machine.run(x)
    if not np.array_equal(run.outputs, program.network.run(x)):
        raise AssertionError("the accelerator differs from the reference")
    return round(run.total_cycles / IMAGES)


def chip() -> dict[str, Any]:
    """The decoder alone, placed and routed."""
    design = HuffmanDecoder(Architecture().lanes)
    sweep = route_seeds(verilog_of(design, "ecp5"), TOP, find_device(DEVICE), SEEDS)
    used = sweep.median.synthesis.resources
    console.print(
        f"{DEVICE}: {sweep.fmax_mhz:g} MHz (median of {len(SEEDS)} seeds), {used.luts} LUTs, "
        f"{used.ffs} flip-flops, {used.brams} block RAM"
    )
    return {
        "device": DEVICE,
        "luts": used.luts,
        "ffs": used.ffs,
        "brams": used.brams,
        "fmax_mhz": sweep.fmax_mhz,
        "seeds": {str(run.seed): run.fmax_mhz for run in sweep.runs},
    }


def line(row: dict[str, Any]) -> str:
    """The figures in words."""
    text = (
        f"{row['layers_coded']} of {row['layers']} layers coded, {row['beats']} beats become "
        f"{row['beats_coded']}: {row['ratio']:.2f} times fewer, "
        f"{row['ratio_packed']:.2f} than as packed indices"
    )
    if row["decoder_cycles"]:
        text += (
            f"; {row['symbols']} symbols in {row['decoder_cycles']} cycles, faster than plain "
            f"below {row['breakeven_bytes_per_cycle']:.2f} bytes a cycle"
        )
    return text


if __name__ == "__main__":
    raise SystemExit(main())
