"""The systolic array: tiles back to back and with gaps, at the latency its docstring states."""

import os

import cocotb
import numpy as np
import pytest
from tests.cocotb.clocked import packed, reset, step, unpacked

from bitwright.arith import matmul
from bitwright.isa import Architecture
from bitwright.rtl.array import SystolicArray


class Stimulus:
    """What enters the array in each cycle, and what must leave it, by (cycle, row)."""

    def __init__(self, rng, rows, columns, cycles):
        self.rng, self.rows, self.columns = rng, rows, columns
        # Where no tile says otherwise there is noise: it must not reach a result.
        self.activation = rng.integers(-128, 128, (cycles, rows))
        self.weight = rng.integers(-128, 128, (cycles, columns))
        self.first, self.last = np.zeros((2, cycles), int)
        self.expected = {}
        self.cycle = 0

    def tile(self, a, w):
        """Place the product of a (rows, K) and w (K, columns) from the next free cycle on."""
        k = np.arange(a.shape[1])
        for i in range(self.rows):
            self.activation[self.cycle + i + k, i] = a[i]
        self.weight[self.cycle + k] = w
        end = self.cycle + a.shape[1] - 1
        self.first[self.cycle], self.last[end] = 1, 1
        for i, row in enumerate(matmul(a, w)):
            for j, value in enumerate(row):
                self.expected[end + i + j + SystolicArray.LATENCY, i] = int(value)
        self.cycle = end + 1


async def compare(dut, stimulus):
    await reset(dut)
    width = len(dut.result) // stimulus.rows
    seen = 0
    for cycle in range(len(stimulus.first)):
        results = unpacked(dut.result, width)
        for i in range(stimulus.rows):
            if (cycle, i) in stimulus.expected:
                seen += 1
                assert results[i] == stimulus.expected[cycle, i], f"row {i} in cycle {cycle}"
        dut.activation.value = packed(stimulus.activation[cycle], 8)
        dut.weight.value = packed(stimulus.weight[cycle], 8)
        dut.first.value = int(stimulus.first[cycle])
        dut.last.value = int(stimulus.last[cycle])
        await step(dut)
    assert seen == len(stimulus.expected)


def fresh(cycles):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    return Stimulus(rng, int(os.environ["ROWS"]), int(os.environ["COLUMNS"]), cycles)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gaps=[False, True])
async def random_tiles(dut, gaps):
    stimulus = fresh(4000)
    rng = stimulus.rng
    while stimulus.cycle < 3800:
        depth = int(rng.integers(stimulus.columns, 32))
        a = rng.integers(-128, 128, (stimulus.rows, depth))
        w = rng.integers(-128, 128, (depth, stimulus.columns))
        stimulus.tile(a, w)
        if gaps:
            stimulus.cycle += int(rng.integers(0, 6))
    await compare(dut, stimulus)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def extreme_tiles(dut):
    """Sums at both ends of a 20-bit accumulator, and the shortest tiles, back to back."""
    stimulus = fresh(400)
    rows, columns = stimulus.rows, stimulus.columns
    for x, y, depth in (
        (-128, -128, 31),
        (-128, 127, 31),
        (127, 127, columns),
        (-128, -128, columns),
    ):
        stimulus.tile(np.full((rows, depth), x), np.full((depth, columns), y))
    await compare(dut, stimulus)


@pytest.mark.parametrize(
    ("rows", "columns", "bits", "style"),
    [(4, 4, 32, "twin"), (2, 4, 20, "dsp"), (8, 4, 20, "lut"), (4, 8, 24, "twin")],
    ids=["4x4", "2x4-20bit", "8x4-lut", "4x8-twin"],
)
def test_array_matches_matmul(bench, rows, columns, bits, style):
    architecture = Architecture(
        rows=rows, columns=columns, accumulator_bits=bits, pe_multiplier=style
    )
    variables = {"ROWS": str(rows), "COLUMNS": str(columns)}
    result = bench(SystolicArray(architecture), environment=variables)
    assert len(result.tests) == 3
