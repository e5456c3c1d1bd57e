"""What the XNOR benchmark compares counts alike, and its network runs as it says."""

import numpy as np
import pytest
from amaranth.back import verilog
from benchmarks.binary import ALONE
from benchmarks.designs import Alone
from benchmarks.popcounts import CODINGS, Inferred
from tests.support.binary_networks import stacked_network

from bitwright.compiler import compile, predict
from bitwright.isa import Architecture
from bitwright.rtl.xnor import XnorEngine
from bitwright.sim import VerilatedModel, verify


@pytest.mark.parametrize("name", CODINGS)
def test_every_coding_counts(name: str) -> None:
    text = verilog.convert(Inferred(64, CODINGS[name]), name="top", emit_src=False)
    rng = np.random.default_rng(1)
    with VerilatedModel.build(text, "top", trace=False, optimize=1) as model:
        for _ in range(40):
            a, b = (int.from_bytes(rng.bytes(8), "little") for _ in range(2))
            model.io.a, model.io.b, model.io.bits = a, b, 64
            model.clock.tick(2)
            found = int(model.io.difference)
            assert found - (found >> 7 << 8) == 64 - 2 * (a ^ b).bit_count()


def test_network_is_exact_and_fills_the_engine_in_a_batch() -> None:
    made = stacked_network((200,), [128, 128, 10], bits=True)
    architecture = Architecture(xnor=True)
    program = compile(made, architecture, 32)
    x = np.random.default_rng(2).integers(0, 2, (40, 200), np.int8)
    assert verify(program, x, models=1).equal
    each = predict(program, 2).total - predict(program, 1).total
    assert sum(made.macs().values()) * 32 / each > 0.7 * 512


def test_engine_alone_has_a_result_for_each_row() -> None:
    text = verilog.convert(Alone("engine", XnorEngine(ALONE)), name="dut", emit_src=False)
    assert f"output [{ALONE.rows * ALONE.accumulator_bits - 1}:0] result" in text
