"""The pair of processing elements: every product, and tiles back to back."""

import os

import cocotb
import numpy as np
import pytest
from tests.cocotb.clocked import reset, signed, step

from bitwright.arith import matmul
from bitwright.isa import Architecture
from bitwright.rtl.pe import ElementPair

LATENCY = ElementPair.LATENCY


async def run(dut, elements):
    """Feed (activation, weight_0, weight_1, first) per cycle; both sums of each element."""
    await reset(dut)
    bits = len(dut.acc_0)
    first, second = [], []
    for cycle in range(len(elements) + LATENCY + 2):
        first.append(signed(int(dut.acc_0.value), bits))
        second.append(signed(int(dut.acc_1.value), bits))
        activation, weight_0, weight_1, _ = elements[min(cycle, len(elements) - 1)]
        dut.activation.value = int(activation)
        dut.weight_0.value, dut.weight_1.value = int(weight_0), int(weight_1)
        for port, delay in ((dut.first_0, LATENCY - 1), (dut.first_1, LATENCY)):
            marked = 0 <= cycle - delay < len(elements)
            port.value = int(elements[cycle - delay][3]) if marked else 0
        await step(dut)
    return first[LATENCY:][: len(elements)], second[LATENCY + 1 :][: len(elements)]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def every_product(dut):
    codes = np.arange(-128, 128)
    a, w = (grid.ravel() for grid in np.meshgrid(codes, codes, indexing="ij"))
    # The second weight takes every value beside every first one's residue.
    other = np.roll(w, 101)
    first, second = await run(dut, list(zip(a, w, other, np.ones_like(a), strict=True)))
    assert first == [int(p) for p in matmul(codes[:, None], codes[None, :]).ravel()]
    assert second == [int(p) for p in a.astype(np.int64) * other]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def tiles_back_to_back(dut):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    elements, ends, sums = [], [], []
    # -128 x -128 thirty-one times is what 20 bits hold.
    lengths = [31, 1, 2, 1, *rng.integers(1, 32, 60)]
    for n, length in enumerate(lengths):
        a, w0, w1 = rng.integers(-128, 128, (3, length))
        if n == 0:
            a[:], w0[:], w1[:] = -128, -128, -128
        elements += [(a[k], w0[k], w1[k], k == 0) for k in range(length)]
        ends.append(len(elements) - 1)
        sums.append([int(v) for v in matmul(a[None], np.stack([w0, w1], 1))[0]])
    first, second = await run(dut, elements)
    assert [[first[end], second[end]] for end in ends] == sums


@pytest.mark.parametrize("style", ["twin", "dsp", "lut"])
def test_pair_matches_arith(bench, style):
    architecture = Architecture(rows=4, columns=4, accumulator_bits=20, pe_multiplier=style)
    result = bench(ElementPair(architecture))
    assert len(result.tests) == 2
