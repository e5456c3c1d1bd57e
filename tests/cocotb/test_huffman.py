"""The Huffman decoder on its streams: pauses on all sides, payloads that hold, resets anywhere."""

import os
import random
from itertools import product

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from tests.cocotb.clocked import reset, step
from tests.cocotb.streams import FLOW, RANDOM, STALL, pauses, watch_stability
from tests.support.huffman import Packet, codes, decoded, random_symbols

from bitwright.rtl.huffman import HuffmanDecoder, HuffmanFault

KINDS = (FLOW, STALL, RANDOM)
LANES, LONGEST = 4, 12
CODES = codes(LONGEST)
RESETS = 20


def seed():
    return int(os.environ["COCOTB_RANDOM_SEED"])


async def start(dut):
    for stream in ("table", "counts", "words"):
        getattr(dut, f"{stream}__valid").value = 0
    dut.symbols__ready.value = 0
    await reset(dut)
    symbols = dut.symbols__valid, dut.symbols__ready, dut.symbols__payload
    cocotb.start_soon(watch_stability(dut.clk, dut.rst, *symbols))


async def send(dut, name, payloads, paused):
    """Offer payloads one after another; what is offered stays until it is taken."""
    valid, ready = (getattr(dut, f"{name}__{port}") for port in ("valid", "ready"))
    for payload in payloads:
        while next(paused):
            await FallingEdge(dut.clk)
        getattr(dut, f"{name}__payload").value, valid.value = payload, 1
        await RisingEdge(dut.clk)
        while not int(ready.value):
            await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        valid.value = 0


async def send_count(dut, code, count, paused):
    await send(dut, "table", beats(code.table(LONGEST), 9), paused)
    await send(dut, "counts", [count], paused)


async def take(dut, paused, symbols):
    """Take symbols for ever; ready only once valid is seen."""
    while True:
        dut.symbols__ready.value = int(dut.symbols__valid.value) and not next(paused)
        await RisingEdge(dut.clk)
        if int(dut.symbols__valid.value) and int(dut.symbols__ready.value):
            symbols.append(int(dut.symbols__payload.value))
        await FallingEdge(dut.clk)


def beats(items, ends_at):
    return [item | (n == len(items) - 1) << ends_at for n, item in enumerate(items)]


def sides(dut, code, packet, kind, symbols, sink):
    """What drives the decoder; words are offered before the table is."""
    words = [int.from_bytes(word, "little") for word in packet.words]
    return [
        send_count(dut, code, packet.count, pauses(kind, seed())),
        send(dut, "words", beats(words, 8 * LANES), pauses(kind, seed() + 1)),
        take(dut, pauses(sink, seed() + 2), symbols),
    ]


async def until_done(dut):
    while not int(dut.done.value):
        await step(dut)
    return HuffmanFault(int(dut.fault.value))


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(source=KINDS, sink=KINDS)
async def symbols_and_faults_match_the_codec(dut, source, sink):
    rng = np.random.default_rng(seed())
    await start(dut)
    for code, damage in product(CODES.values(), range(3)):
        symbols = random_symbols(code, 40, rng)
        bits = code.encode(symbols)
        if damage:
            bits = rng.integers(0, 2, len(bits) // damage + 1)
        packet, found = Packet.of(len(symbols), bits, LANES), []
        tasks = [cocotb.start_soon(side) for side in sides(dut, code, packet, source, found, sink)]
        fault = await until_done(dut)
        assert (found, fault) == decoded(code, packet)
        assert all(task.done() for task in tasks[:2])
        tasks[2].cancel()
        await step(dut)


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def a_reset_at_any_cycle_leaves_it_idle(dut):
    rng, dice = np.random.default_rng(seed()), random.Random(seed())
    code = CODES["a chain"]
    symbols = rng.integers(0, len(code.lengths), 60)
    packet = Packet.of(len(symbols), code.encode(symbols), LANES)
    noise = Packet.of(60, rng.integers(0, 2, 200), LANES)
    await start(dut)
    for n in range(RESETS):
        found = []
        sent = packet if n % 2 else noise
        tasks = [cocotb.start_soon(side) for side in sides(dut, code, sent, RANDOM, found, RANDOM)]
        for _ in range(dice.randrange(1, 250)):
            await step(dut)
        for task in tasks:
            task.cancel()
        for stream in ("table", "counts", "words"):
            getattr(dut, f"{stream}__valid").value = 0
        dut.symbols__ready.value = 0
        dut.rst.value = 1
        await step(dut)
        dut.rst.value = 0
        await Timer(1, "ns")
        assert not int(dut.symbols__valid.value)
        assert not int(dut.done.value)
        assert int(dut.counts__ready.value)
        assert not int(dut.words__ready.value)
        found = []
        tasks = [cocotb.start_soon(side) for side in sides(dut, code, packet, FLOW, found, FLOW)]
        fault = await until_done(dut)
        assert (found, fault) == (symbols.tolist(), HuffmanFault.NONE)
        tasks[2].cancel()
        await step(dut)


def test_decoder_keeps_the_stream_rules(bench):
    result = bench(HuffmanDecoder(LANES, LONGEST))
    assert len(result.tests) == len(KINDS) ** 2 + 1
