"""The processing element: every product, and tiles back to back."""

import os
from collections import deque

import cocotb
import numpy as np
import pytest
from tests.cocotb.clocked import reset, signed, step

from bitwright.arith import matmul
from bitwright.isa import Architecture
from bitwright.rtl.pe import ProcessingElement


async def run(dut, elements):
    """Feed (activation, weight, first, last) per cycle; (acc, done) of each, two cycles later."""
    await reset(dut)
    bits = len(dut.acc)
    results = []
    for activation, weight, first, last in [*elements, (0, 0, 0, 0), (0, 0, 0, 0)]:
        results.append((signed(int(dut.acc.value), bits), int(dut.done.value)))
        dut.activation.value, dut.weight.value = int(activation), int(weight)
        dut.first.value, dut.last.value = int(first), int(last)
        await step(dut)
    results.append((signed(int(dut.acc.value), bits), int(dut.done.value)))
    return results[ProcessingElement.LATENCY : len(elements) + ProcessingElement.LATENCY]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def every_product(dut):
    codes = np.arange(-128, 128)
    a, b = (grid.ravel() for grid in np.meshgrid(codes, codes, indexing="ij"))
    one = np.ones_like(a)
    results = await run(dut, list(zip(a, b, one, one, strict=True)))
    assert results == [(int(p), 1) for p in matmul(codes[:, None], codes[None, :]).ravel()]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def tiles_back_to_back(dut):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    elements, sums = [], []
    # -128 x -128 thirty-one times is what 20 bits hold.
    lengths = [31, 1, 2, 1, *rng.integers(1, 32, 60)]
    for n, length in enumerate(lengths):
        a, b = rng.integers(-128, 128, (2, length))
        if n == 0:
            a[:], b[:] = -128, -128
        for k in range(length):
            elements.append((a[k], b[k], k == 0, k == length - 1))
        sums.append(int(matmul(a[None], b[:, None])[0, 0]))
    results = await run(dut, elements)
    assert [acc for acc, done in results if done] == sums
    assert [done for _, done in results] == [int(last) for *_, last in elements]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def neighbours_see_the_inputs_a_cycle_later(dut):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    await reset(dut)
    ports = ("activation", "weight", "first", "last")
    driven = deque([(0, 0, 0, 0)])
    for _ in range(100):
        values = (
            *(int(v) for v in rng.integers(0, 256, 2)),
            *(int(v) for v in rng.integers(0, 2, 2)),
        )
        seen = tuple(int(getattr(dut, f"{port}_out").value) for port in ports)
        assert seen == driven.popleft()
        for port, value in zip(ports, values, strict=True):
            getattr(dut, port).value = signed(value, 8) if port in ports[:2] else value
        driven.append(values)
        await step(dut)


@pytest.mark.parametrize("style", ["dsp", "lut"])
def test_processing_element_matches_arith(bench, style):
    architecture = Architecture(rows=4, columns=4, accumulator_bits=20, pe_multiplier=style)
    result = bench(ProcessingElement(architecture))
    assert len(result.tests) == 3
