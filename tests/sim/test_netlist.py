"""The netlist that goes to place and route, on whole networks: it is the RTL, bit for bit.

The smallest accelerator with every engine is mapped to the ECP5's cells once; the Verilated netlist
then runs behind the same C++ driver as the RTL, on networks with resident and streamed weights.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.support.networks import Limits, random_codes, random_network

from bitwright.arith import Rounding
from bitwright.compiler import CompileError, Program, compile, predict
from bitwright.isa import Architecture
from bitwright.network import Conv2d
from bitwright.rtl import TOP, generate
from bitwright.sim import RtlMachine, RtlRun
from bitwright.synth import SynthesisError, SynthesisReport, find_device, synthesize
from bitwright.synth.netlist import netlist_verilog

SMALL = Architecture(
    name="4x4 small",
    rows=4,
    columns=4,
    accumulator_bits=24,
    multiplier_bits=16,
    residual_bits=27,
    activation_words=512,
    weight_words=128,
    parameter_records=64,
    execute_instructions=16,
    fetch_instructions=16,
)
LIMITS = Limits(roundings=(Rounding.HALF_UP,), channels=(1, 8), pixels=(4, 8), kernel=3)
SEEDS = range(60)


@cache
def programs() -> tuple[Program, ...]:
    """Every network of the seeds that fits."""
    found = []
    for seed in SEEDS:
        try:
            found.append(compile(random_network(seed, limits=LIMITS), SMALL))
        except CompileError:
            continue
    return tuple(found)


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> tuple[SynthesisReport, Path]:
    build = tmp_path_factory.mktemp("synth")
    return synthesize(generate(SMALL, "ecp5"), TOP, find_device("ecp5-25f"), build=build), build


@pytest.fixture(scope="module")
def netlist(synthesis: tuple[SynthesisReport, Path]) -> str:
    report, build = synthesis
    return netlist_verilog(report, build=build)


def run(program: Program, verilog: str | None, pauses: bool) -> RtlRun:
    with RtlMachine(program, verilog=verilog) as machine:
        if pauses:
            machine.pause(7, weights=0.4, inputs=0.3, outputs=0.5)
        return machine.run(random_codes(program.network, 2, 1), taps=True)


def test_networks_hold_every_kind_of_work() -> None:
    kinds: Counter[str] = Counter()
    for program in programs():
        kinds["streamed"] += len(program.body) > 0
        for layer in program.network:
            kinds[type(layer).__name__] += 1
            if isinstance(layer, Conv2d):
                kinds["depthwise"] += layer.groups > 1
                kinds["residual"] += len(layer.inputs) > 1
    wanted = ["Conv2d", "Linear", "Add", "MaxPool2d", "AvgPool2d", "Requantize", "Concat"]
    assert [k for k in (*wanted, "depthwise", "residual", "streamed") if kinds[k] < 3] == []


@pytest.mark.slow
def test_netlist_uses_every_kind_of_cell(synthesis: tuple[SynthesisReport, Path]) -> None:
    kinds = {kind for kind, _ in synthesis[0].cells}
    assert kinds >= {"CCU2C", "DP16KD", "LUT4", "MULT18X18D", "TRELLIS_DPR16X4", "TRELLIS_FF"}


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [False, True], ids=["steady host", "host that pauses"])
def test_netlist_is_the_rtl_in_every_bit_and_cycle(netlist: str, pauses: bool) -> None:
    for program in programs():
        network = program.network
        mapped, rtl = run(program, netlist, pauses), run(program, None, pauses)
        _, expected = network.run(random_codes(network, 2, 1), taps=True)
        for name, codes in expected.items():
            assert (mapped.taps[name] == codes).all(), (network.digest, name)
        assert (mapped.outputs == rtl.outputs).all()
        for counted in ("cycles", "ends", "total_cycles", "stalls", "macs"):
            got, wanted = getattr(mapped, counted), getattr(rtl, counted)
            assert np.array_equal(got, wanted), (network.digest, counted)
        if not pauses:
            assert mapped.total_cycles == predict(program, 2).total


@pytest.mark.slow
def test_one_wrong_lookup_table_is_found(netlist: str) -> None:
    """The table before the register of an output bit is inverted."""
    pins = r"\(\n(?:    \.\w+\(.*\),\n)*"
    register = re.search(
        r"\.DI\((\S+?) ?\),\n(?:    \.\w+\(.*\),\n)*    \.Q\(outputs_tdata\[0\]\)", netlist
    )
    assert register, "no register of the output"
    table = re.search(
        rf"INIT\(16'h(\w+)\)\n  \) \S+ +{pins}    \.Z\({re.escape(register[1])} ?\)", netlist
    )
    assert table, "no table before it"
    wrong = f"{int(table[1], 16) ^ 0xFFFF:04x}"
    broken = netlist[: table.start(1)] + wrong + netlist[table.end(1) :]
    program = programs()[0]
    mapped = run(program, broken, pauses=False)
    expected = program.network.run(random_codes(program.network, 2, 1))
    assert (mapped.outputs != expected).any()


def test_cells_without_models_are_refused(tmp_path: Path) -> None:
    design = "module m(input clk, d, output reg q); always @(posedge clk) q <= d; endmodule"
    report = synthesize(design, "m", find_device("ice40-up5k"), build=tmp_path)
    with pytest.raises(SynthesisError, match="cell SB_DFF has no simulation model"):
        netlist_verilog(report, build=tmp_path)
