"""The skid buffer: nothing lost, nothing changed, a transfer per cycle."""

import os
from collections import deque

import cocotb
import numpy as np
from amaranth.hdl import unsigned
from cocotb.triggers import FallingEdge, RisingEdge
from tests.cocotb.clocked import reset, step
from tests.cocotb.streams import FLOW, RANDOM, STALL, pauses, watch_stability

from bitwright.rtl.skid import SkidBuffer

KINDS = (FLOW, STALL, RANDOM)
COUNT = 500


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(source=KINDS, sink=KINDS)
async def transfers_arrive_in_order(dut, source, sink):
    seed = int(os.environ["COCOTB_RANDOM_SEED"])
    words = [int(w) for w in np.random.default_rng(seed).integers(0, 1 << 16, COUNT)]
    await reset(dut)
    cocotb.start_soon(
        watch_stability(dut.clk, dut.rst, dut.source__valid, dut.source__ready, dut.source__payload)
    )
    source_pauses, sink_pauses = pauses(source, seed), pauses(sink, seed + 1)
    queue, received = deque(words), []
    dut.sink__valid.value = dut.source__ready.value = 0
    cycles = 0
    while len(received) < COUNT:
        # Mid-cycle: registers show the cycle's outputs, inputs last until the next mid-cycle.
        if not int(dut.sink__valid.value) and queue and not next(source_pauses):
            dut.sink__valid.value, dut.sink__payload.value = 1, queue[0]
        # A sink that is ready only once it has seen valid.
        dut.source__ready.value = int(dut.source__valid.value) and not next(sink_pauses)
        await RisingEdge(dut.clk)
        if int(dut.source__valid.value) and int(dut.source__ready.value):
            received.append(int(dut.source__payload.value))
        taken = int(dut.sink__valid.value) and int(dut.sink__ready.value)
        await FallingEdge(dut.clk)
        if taken:
            queue.popleft()
            dut.sink__valid.value = 0
            if queue and not next(source_pauses):
                dut.sink__valid.value, dut.sink__payload.value = 1, queue[0]
        cycles += 1
    assert received == words
    assert not queue
    await step(dut)
    assert not int(dut.source__valid.value)
    if source == sink == FLOW:
        assert cycles == COUNT + SkidBuffer.LATENCY


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_stalled_buffer_holds_two(dut):
    await reset(dut)
    dut.source__ready.value = 0
    dut.sink__valid.value = 1
    taken = []
    for word in range(5):
        dut.sink__payload.value = word
        if int(dut.sink__ready.value):
            taken.append(word)
        await step(dut)
    assert taken == [0, 1]
    dut.sink__valid.value, dut.source__ready.value = 0, 1
    for word in taken:
        assert int(dut.source__valid.value)
        assert int(dut.source__payload.value) == word
        await step(dut)
    assert not int(dut.source__valid.value)
    assert int(dut.sink__ready.value)


def test_skid_buffer_keeps_the_stream_rules(bench):
    result = bench(SkidBuffer(unsigned(16)))
    assert len(result.tests) == len(KINDS) ** 2 + 1
