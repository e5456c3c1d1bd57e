"""Draw the timing diagrams of docs/hardware.md from simulated waveforms.

Each picture is a window of a run of the RTL on a 4x4 accelerator, found by what happens in it; the
latencies written into it are measured there, and compared with the constants of `isa.timing`.

    python -m tools.draw_timing             # writes docs/images/timing-*.svg
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from bitwright.compiler import Program, compile
from bitwright.files import write_whole
from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.isa.registers import REGISTERS
from bitwright.network import (
    BinaryLinear,
    Conv2d,
    Input,
    Layer,
    Network,
    Quantization,
    Requantization,
)
from bitwright.report.signals import byte, one_hot, signal_names
from bitwright.report.trace import Trace, read_trace
from bitwright.report.waveform import (
    AnyRow,
    Clock,
    Heading,
    Mark,
    Picture,
    Row,
    Span,
    signed,
    standalone,
    unsigned,
)
from bitwright.sim import RtlMachine

FOLDER = Path(__file__).parent.parent / "docs" / "images"
ARCHITECTURE = Architecture(
    name="4x4",
    rows=4,
    columns=4,
    activation_words=64,
    weight_words=64,
    parameter_records=32,
    execute_instructions=16,
    fetch_instructions=16,
)
COMPLETE = "array.complete_0"
LONG = 400
"""Cycles of a recorded run that are looked at; every picture's window is shorter."""


def network(channels: list[int], height: int = 2, width: int = 4) -> Network:
    """1x1 convolutions one behind another, with small weights."""
    scale = Quantization(scale=1.0)
    shape = (channels[0], height, width)
    layers: list[Layer] = [Input(name="x", inputs=(), shape=shape, output=scale)]
    for number, (fed, made) in enumerate(pairwise(channels), 1):
        weight = (np.arange(made)[:, None] + np.arange(fed)) % 3 - 1  # (O, I)
        requantization = Requantization(
            multiplier=np.full(made, 1, np.int64),
            shift=np.full(made, 1, np.int64),
            low=-128,
            high=127,
        )
        layers.append(
            Conv2d(
                name=f"conv{number}",
                inputs=(layers[-1].name,),
                shape=(made, height, width),
                output=scale,
                weight=weight[:, :, None, None].astype(np.int64),
                bias=np.zeros(made, np.int64),
                requantization=requantization,
            )
        )
    return Network(tuple(layers))


def image(program: Program) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Codes that tell where they come from: 10 (pixel + 1) + channel, in one byte."""
    channels, height, width = program.network.input.shape
    pixels = np.arange(height * width).reshape(height, width)
    codes = 10 * (pixels + 1) + np.arange(channels)[:, None, None]
    return (codes % 128).astype(np.int8)[None]


def watch(program: Program, rows: list[AnyRow], action: Callable[[RtlMachine], object]) -> Trace:
    """The rows' signals from the begin of an action, for at most `LONG` cycles."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.vcd"
        with RtlMachine(program, trace=True) as machine:
            machine.start_trace(path, machine.time, machine.time + LONG)
            action(machine)
            machine.stop_trace()
        return read_trace(path, signal_names(rows))


def run(machine: RtlMachine) -> None:
    """Run one image."""
    machine.run(image(machine.program))


def after(trace: Trace, name: str, cycle: int, level: int = 1) -> int:
    """The first cycle from ``cycle`` on in which a signal is high, or low."""
    for at in range(cycle, trace.last + 1):
        if bool(trace.at(name, at)) == bool(level):
            return at
    raise ValueError(f"{name} does not become {level} in the {LONG} cycles after the begin")


def short(value: int, _: int) -> str:
    """In hexadecimal, without leading zeros."""
    return f"{value:x}"


def tile() -> Picture:
    """One tile through the array."""
    program = compile(network([8, 4]), ARCHITECTURE)
    rows: list[AnyRow] = [
        Clock(),
        Row("issue", "trace_issue", tone="purple"),
        Heading("walker"),
        Row("valid", "walker.valid"),
        Row("row requested", "walker.slot", unsigned, when="walker.row_valid"),
        Row("address", "walker.address", signed, when="walker.row_valid"),
        Row("last word of tile", "walker.last_word"),
        Heading("words and elements"),
        Row("word of row", "serializers.slot", unsigned, when="serializers.valid", tone="orange"),
        Row("row 0", "serializers.element[0]", signed, tone="orange"),
        Row("row 1", "serializers.element[1]", signed, tone="orange"),
        Row("row 2", "serializers.element[2]", signed, tone="orange"),
        Heading("array"),
        Row("PE 0,0 weight", "pair_0_0.weight_0", signed, tone="orange"),
        Row("PE 0,0 last", "array.last", tone="orange"),
        Row("PE 0,0 sum", "pair_0_0.acc_0", signed, tone="orange"),
        Row("PE 0,1 sum", "pair_0_0.acc_1", signed, tone="orange"),
        Row("complete in row 0", COMPLETE, one_hot, when=COMPLETE, tone="orange"),
        Row("results of row 0", "array.result[0]", signed, tone="orange"),
        Heading("codes into the bank"),
        Row("write", "trace_write", tone="green"),
        Row("to address", "trace_address", unsigned, when="trace_write", tone="green"),
        Row("channel 0", "trace_word", byte, when="trace_write", tone="green"),
    ]
    trace = watch(program, rows, run)
    request = trace.high("walker.valid")[0]
    issue = max(cycle for cycle in trace.high("trace_issue") if cycle < request)
    word = after(trace, "serializers.valid", request) + 1
    last = after(trace, "array.last", request)
    done = after(trace, COMPLETE, last)
    write = after(trace, "trace_write", done)
    measured = {
        "READ_LATENCY": (word - request, timing.READ_LATENCY),
        "PE_LATENCY": (done - last, timing.PE_LATENCY),
        "array_write": (
            write - (last - 1 - timing.READ_LATENCY - (ARCHITECTURE.lanes - 1)),
            timing.array_write(ARCHITECTURE),
        ),
    }
    for name, (found, stated) in measured.items():
        if found != stated:
            raise ValueError(f"{name} is {stated} in isa.timing, but {found} in the waveform")
    return Picture(
        title="One tile through the array",
        trace=trace.cut(issue, write + ARCHITECTURE.rows + 1),
        rows=rows,
        origin=issue,
        cycle_width=26,
        marks=[Mark(request, "first request"), Mark(done, "sum"), Mark(write, "codes written")],
        spans=[
            Span("words and elements", request, word, "READ_LATENCY"),
            Span("array", last, done, "PE_LATENCY"),
            Span("codes into the bank", done, write, "results of the row and LANE_LATENCY"),
        ],
    )


def binary_program() -> Program:
    """A linear layer of 128 bits to 8 channels; channel j's weights begin with the bits of j."""
    bit, channels = Quantization(scale=1.0, bits=1), np.arange(8)
    weight = np.zeros((8, 128), np.int64)
    weight[:, [*range(8), *range(64, 72)]] = np.tile(channels[:, None] >> np.arange(8) & 1, 2)
    ones = np.ones(8, np.int64)
    linear = BinaryLinear(
        name="linear",
        inputs=("x",),
        shape=(8,),
        output=Quantization(scale=1.0),
        weight=weight,
        bias=np.zeros(8, np.int64),
        requantization=Requantization(multiplier=ones, shift=0 * ones, low=-128, high=127),
    )
    given = Input(name="x", inputs=(), shape=(128,), output=bit)
    architecture = replace(ARCHITECTURE, name="8x8", rows=8, columns=8, xnor=True)
    return compile(Network((given, linear)), architecture, batch=2)


def xnor() -> Picture:
    """A tile of two words through the XNOR engine."""
    program = binary_program()
    rows: list[AnyRow] = [
        Clock(),
        Row("issue", "trace_issue", tone="purple"),
        Heading("walker"),
        Row("row requested", "walker.slot", unsigned, when="walker.row_valid"),
        Row("last word of tile", "walker.last_word"),
        Heading("XNOR engine"),
        Row("word of row", "xnor.slot", unsigned, when="xnor.valid", tone="orange"),
        Row("row 0 holds", "xnor.held_0", short, tone="orange"),
        Row("row 1 holds", "xnor.held_1", short, tone="orange"),
        Row("weights of channel, row 0", "xnor.weight", byte, tone="orange"),
        Row("weights of channel, row 1", "xnor.weight_0_1", byte, tone="orange"),
        Row("products of row 0", "difference_0.difference", signed, tone="orange"),
        Row("products of row 1", "difference_1.difference", signed, tone="orange"),
        Row("results of row 0", "xnor.result[0]", signed, tone="orange"),
        Row("results of row 1", "xnor.result[1]", signed, tone="orange"),
        Heading("codes into the bank"),
        Row("write", "trace_write", tone="green"),
        Row("channel 0", "trace_word", byte, when="trace_write", tone="green"),
    ]
    codes = np.zeros((2, 128), np.int8)
    codes[0, 64:96], codes[1, ::2] = 1, 1
    trace = watch(program, rows, lambda machine: machine.run(codes))
    request = trace.high("walker.row_valid")[0]
    issue = max(cycle for cycle in trace.high("trace_issue") if cycle < request)
    last = after(trace, "walker.last_word", request)
    leaves = after(trace, "xnor.result[0]", last)
    found, stated = leaves - last, timing.array_result(program.architecture)
    if found != stated:
        raise ValueError(f"array_result is {stated} in isa.timing, but {found} in the waveform")
    write = after(trace, "trace_write", leaves)
    return Picture(
        title="A tile of two words through the XNOR engine",
        trace=trace.cut(issue, write + 3),
        rows=rows,
        origin=issue,
        cycle_width=26,
        marks=[
            Mark(request, "first request"),
            Mark(leaves, "first sum"),
            Mark(write, "codes written"),
        ],
        spans=[Span("XNOR engine", last, leaves, "array_result")],
    )


def registers() -> Picture:
    """What the host does over AXI4-Lite when a run is done: write a register, read one."""
    program = compile(network([8, 4]), ARCHITECTURE)
    rows: list[AnyRow] = [
        Clock(),
        Heading("write address"),
        Row("awvalid", "control_awvalid"),
        Row("awready", "control_awready"),
        Row("awaddr", "control_awaddr", short, when="control_awvalid"),
        Heading("write data"),
        Row("wvalid", "control_wvalid"),
        Row("wready", "control_wready"),
        Row("wdata", "control_wdata", short, when="control_wvalid"),
        Heading("write response"),
        Row("bvalid", "control_bvalid", tone="green"),
        Row("bready", "control_bready", tone="green"),
        Row("bresp", "control_bresp", unsigned, when="control_bvalid", tone="green"),
        Heading("read address"),
        Row("arvalid", "control_arvalid"),
        Row("arready", "control_arready"),
        Row("araddr", "control_araddr", short, when="control_arvalid"),
        Heading("read data"),
        Row("rvalid", "control_rvalid", tone="green"),
        Row("rready", "control_rready", tone="green"),
        Row("rdata", "control_rdata", short, when="control_rvalid", tone="green"),
        Row("rresp", "control_rresp", unsigned, when="control_rvalid", tone="green"),
        Heading("interrupt"),
        Row("irq", "irq", tone="purple"),
    ]

    trace = watch(program, rows, run)
    done = after(trace, "irq", trace.first)
    written = after(trace, "control_awvalid", done)
    taken = after(trace, "control_rvalid", written)
    address = trace.at("control_awaddr", written)
    if address != REGISTERS["status"].address:
        raise ValueError(f"after a run, register 0x{address:x} is written, not status")
    return Picture(
        title="After a run: done is cleared in the status register, a counter is read",
        trace=trace.cut(written - 4, taken + 1),
        rows=rows,
        origin=written,
        cycle_width=56,
    )


def load() -> Picture:
    """A program and its prologue on the weight stream."""
    program = compile(network([8, 4]), ARCHITECTURE)
    rows: list[AnyRow] = [
        Heading("registers"),
        Row("control written", "registers.write_enable"),
        Row("busy", "registers.core__busy"),
        Row("loaded", "registers.core__loaded"),
        Heading("weights stream"),
        Row("tvalid", "weights_tvalid", tone="orange"),
        Row("tready", "weights_tready", tone="orange"),
        Row("tlast", "weights_tlast", tone="orange"),
        Heading("threads"),
        Row("fetch: issue", "fetch_thread.issue", tone="purple"),
        Row("fetch: done", "fetch_thread.done", tone="purple"),
    ]
    trace = watch(program, rows, RtlMachine.reset)
    begin = after(trace, "weights_tvalid", trace.first)
    loaded = after(trace, "registers.core__loaded", after(trace, "registers.core__busy", begin))
    issues = [cycle for cycle in trace.high("fetch_thread.issue") if begin <= cycle <= loaded]
    names = ("weights", "parameters")
    if len(issues) != len(names):
        raise ValueError(
            f"the prologue has {len(issues)} fetch instructions, not weights and parameters"
        )
    return Picture(
        title="A program is loaded: its words, then the packets of the prologue",
        trace=trace.cut(begin - 6, loaded + 8),
        rows=rows,
        origin=begin,
        cycle_width=6,
        marks=[
            Mark(begin, "program"),
            *(Mark(at, name) for at, name in zip(issues, names, strict=True)),
            Mark(loaded, "loaded"),
        ],
    )


def run_image() -> Picture:
    """An image in, its outputs out, the interrupt."""
    program = compile(network([8, 4, 4]), ARCHITECTURE)
    rows: list[AnyRow] = [
        Heading("registers"),
        Row("control written", "registers.write_enable"),
        Row("busy", "registers.core__busy"),
        Row("irq", "irq"),
        Heading("inputs stream"),
        Row("tvalid", "inputs_tvalid", tone="orange"),
        Row("tready", "inputs_tready", tone="orange"),
        Row("tlast", "inputs_tlast", tone="orange"),
        Heading("sequencer"),
        Row("issue", "trace_issue", tone="purple"),
        Row("done", "trace_done", tone="purple"),
        Heading("outputs stream"),
        Row("tvalid", "outputs_tvalid", tone="green"),
        Row("tready", "outputs_tready", tone="green"),
        Row("tlast", "outputs_tlast", tone="green"),
    ]
    trace = watch(program, rows, run)
    begin = after(trace, "registers.core__busy", trace.first)
    end = after(trace, "irq", begin)
    names = [ExecuteOpcode(fields["opcode"]).name for fields in program.decoded()]
    issues = [cycle for cycle in trace.high("trace_issue") if begin <= cycle <= end]
    return Picture(
        title="An image is run: in, two convolutions, out, interrupt",
        trace=trace.cut(begin - 6, end + 6),
        rows=rows,
        origin=begin,
        cycle_width=6,
        marks=[
            *(Mark(at, name) for at, name in zip(issues, names, strict=True)),
            Mark(end, "irq"),
        ],
    )


def tokens() -> Picture:
    """Instructions that wait for the weights which another thread brings meanwhile."""
    program = compile(network([16, 16, 16, 16]), ARCHITECTURE)
    if not any(fields["acquire"] for fields in program.decoded()):
        raise ValueError("the weights are resident: no instruction takes a token")
    rows: list[AnyRow] = [
        Heading("fetch thread"),
        Row("tokens: free halves", "fetch_thread.tokens", unsigned, tone="orange"),
        Row("issue", "fetch_thread.issue", tone="orange"),
        Row("weights.tvalid", "weights_tvalid", tone="orange"),
        Row("weights.tready", "weights_tready", tone="orange"),
        Row("done", "fetch_thread.done", tone="orange"),
        Heading("execute thread"),
        Row("tokens: full halves", "execute_thread.tokens", unsigned, tone="purple"),
        Row("waits for a token", "execute_thread.waiting", tone="purple"),
        Row("issue", "execute_thread.issue", tone="purple"),
        Row("done", "execute_thread.done", tone="purple"),
        Heading("array"),
        Row("walk", "walker.valid"),
        Row("write", "trace_write", tone="green"),
    ]
    trace = watch(program, rows, run)
    waits = after(trace, "execute_thread.waiting", trace.first)
    issues = [cycle for cycle in trace.high("execute_thread.issue") if cycle >= waits]
    return Picture(
        title="Tokens between the threads: weights come in while the array works",
        trace=trace.cut(waits - 8, issues[2] + 10),
        rows=rows,
        origin=issues[0],
        cycle_width=5,
        marks=[Mark(cycle, "CONV") for cycle in issues[:3]],
    )


PICTURES: dict[str, Callable[[], Picture]] = {
    "tile": tile,
    "xnor": xnor,
    "registers": registers,
    "load": load,
    "run": run_image,
    "tokens": tokens,
}


def draw(folder: Path) -> list[Path]:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, picture in PICTURES.items():
        paths.append(folder / f"timing-{name}.svg")
        write_whole(paths[-1], standalone(picture()))
    return paths


def main() -> None:
    """Write the pictures and print their paths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: docs/images)")
    for path in draw(parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    main()
