"""Write path, both activation banks and both read ports, against bytes in numpy."""

import os

import cocotb
import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out
from tests.cocotb.clocked import packed, reset, step

from bitwright.isa import Architecture
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.delay import delayed
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.writepath import WritePath

WORDS = 64
PAD = 0xAA
"""Held while words are under way; data never has its top bit set here."""
REQUEST = {
    **{"bank": 1, "valid": 1, "address": 26, "x": 26, "inside": 1, "line_bytes": 24},
    **{"used": 4, "pad": 8},
}
WRITE_FAULT = 2
"""Cycles from a request to its fault."""


class Paths(wiring.Component):
    """The write path and two read paths around the banks, wired as `Compute` wires them."""

    def __init__(self, architecture):
        self._architecture = architecture
        lanes = architecture.lanes
        ports = {
            "write_bank": In(1),
            "write_valid": In(1),
            "write_address": In(26),
            "write_count": In(range(lanes + 1)),
            "write_word": In(ArrayLayout(8, lanes)),
            "write_fault": Out(1),
        }
        for port in ("window", "residual"):
            ports |= {f"{port}_{name}": In(width) for name, width in REQUEST.items()}
            ports |= {f"{port}_word": Out(ArrayLayout(8, lanes)), f"{port}_fault": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffers = buffers = ActivationBuffers(self._architecture)
        m.submodules.write = write = WritePath(self._architecture)
        bank = delayed(m, self.write_bank, 2, "bank")
        m.d.comb += [
            write.valid.eq(self.write_valid),
            write.address.eq(self.write_address),
            write.count.eq(self.write_count),
            write.word.eq(self.write_word),
            buffers.write_bank.eq(bank),
            buffers.write_word.eq(write.bank_word),
            buffers.write_bump.eq(write.bank_bump),
            buffers.write_enable.eq(write.bank_enable),
            buffers.write_data.eq(write.bank_data),
            self.write_fault.eq(write.fault),
        ]
        for name in ("window", "residual"):
            path, port = ReadPath(self._architecture), getattr(buffers, name)
            m.submodules[name] = path
            m.d.comb += [
                *(
                    getattr(path, f).eq(getattr(self, f"{name}_{f}"))
                    for f in REQUEST
                    if f != "bank"
                ),
                port.valid.eq(path.bank_valid),
                port.bank.eq(delayed(m, getattr(self, f"{name}_bank"), 1, f"{name}_bank")),
                port.word.eq(path.bank_word),
                port.bump.eq(path.bank_bump),
                path.data.eq(port.data),
                getattr(self, f"{name}_word").eq(path.word),
                getattr(self, f"{name}_fault").eq(path.fault),
            ]
        return m


class Memory:
    """What the banks hold, and what each cycle's requests must answer."""

    def __init__(self, lanes):
        self.lanes, self.size = lanes, WORDS * lanes
        self.bytes = np.zeros((2, self.size), np.uint8)
        self.known = np.ones((2, self.size), bool)
        self.landing = []
        """Writes under way: (cycle from which reads see it, bank, addresses, data or None)."""

    def settle(self, cycle):
        for _, bank, where, data in [w for w in self.landing if w[0] <= cycle]:
            self.known[bank, where] = data is not None
            if data is not None:
                self.bytes[bank, where] = data
        self.landing = [w for w in self.landing if w[0] > cycle]

    def write(self, cycle, bank, address, data):
        """The fault a write of ``data`` raises; with one, nobody knows what it has written."""
        where = np.arange(address, address + len(data))
        fault = address < 0 or address + len(data) > self.size
        known = None if fault else data
        self.landing.append((cycle + WritePath.LATENCY, bank, where % self.size, known))
        return int(fault)

    def read(self, request):
        """The word and the fault of a read request, None for bytes nobody may rely on."""
        place = request["x"] + np.arange(self.lanes)
        held = request["inside"] & (place >= 0) & (place < request["line_bytes"])
        where = request["address"] + np.arange(self.lanes)
        in_bank = (where >= 0) & (where < self.size)
        pending = [set(w[2]) for w in self.landing if w[1] == request["bank"]]
        word = []
        for keep, address, known in zip(held, where, in_bank, strict=True):
            if not keep:
                word.append(request["pad"])
            elif (
                not request["valid"]
                or not known
                or not self.known[request["bank"], address]
                or any(address in addresses for addresses in pending)
            ):
                word.append(None)
            else:
                word.append(int(self.bytes[request["bank"], address]))
        looked_at = held & (np.arange(self.lanes) < request["used"])
        fault = request["valid"] and (looked_at & ~in_bank).any()
        return word, int(fault)


def random_request(rng, memory, bank):
    """Words at any byte, in lines whose ends cut them, often about the bank's ends or far off."""
    address = int(rng.integers(0, memory.size))
    if rng.random() < 0.3:
        near = int(rng.integers(-memory.lanes - 1, memory.lanes + 2))
        address = near + int(rng.choice([0, memory.size, memory.size - memory.lanes]))
        address = int(rng.choice([address, address, -(1 << 25), -memory.size, (1 << 25) - 1]))
    line = int(rng.integers(1, 40))
    x = int(rng.choice([int(rng.integers(-10, line + 10)), 0, line - 1, line, -memory.lanes]))
    return {
        "bank": bank,
        "valid": int(rng.random() < 0.9),
        "address": address,
        "x": x,
        "inside": int(rng.random() < 0.9),
        "line_bytes": line,
        "used": int(rng.choice([memory.lanes, int(rng.integers(0, memory.lanes + 1))])),
        "pad": PAD,
    }


def drive_read(dut, port, request):
    for name, value in request.items():
        getattr(dut, f"{port}_{name}").value = value & ((1 << REQUEST[name]) - 1)


def check(dut, port, cycle, expected):
    """Compare ``port`` with what the requests of some cycles ago must show now."""
    if (cycle, "word") in expected[port]:
        word, request = expected[port].pop((cycle, "word"))
        got = int(getattr(dut, f"{port}_word").value).to_bytes(len(word), "little")
        for e, (byte, want) in enumerate(zip(got, word, strict=True)):
            assert want is None or byte == want, f"{port} byte {e} of {request} in cycle {cycle}"
    fault, request = expected[port].pop((cycle, "fault"), (0, None))
    assert int(getattr(dut, f"{port}_fault").value) == fault, f"{port} fault of {request}"


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def words_at_any_byte(dut):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    lanes = int(os.environ["LANES"])
    memory = Memory(lanes)
    await reset(dut)
    # Every byte once, so that no read meets what was never written.
    fill = [(bank, word * lanes) for bank in range(2) for word in range(WORDS)]
    expected = {"window": {}, "residual": {}}
    write_faults = [0] * WRITE_FAULT
    compared = faults = 0
    for cycle in range(5000):
        memory.settle(cycle)
        assert int(dut.write_fault.value) == write_faults.pop(0)
        for port in expected:
            check(dut, port, cycle, expected)

        write = cycle < len(fill) or rng.random() < 0.7
        count = int(rng.integers(0, lanes + 1))
        bank, address = int(rng.integers(0, 2)), int(rng.integers(0, memory.size - lanes))
        if cycle < len(fill):
            (bank, address), count = fill[cycle], lanes
        elif rng.random() < 0.1:
            edges = [-1, -memory.size, memory.size - 1, memory.size, memory.size + 5]
            address = int(rng.choice([*edges, memory.size - count]))
        data = rng.integers(0, 128, lanes).astype(np.uint8)  # never a padding byte
        dut.write_bank.value, dut.write_valid.value = bank, int(write)
        dut.write_address.value, dut.write_count.value = address & ((1 << 26) - 1), count
        dut.write_word.value = packed(data, 8)
        write_faults.append(memory.write(cycle, bank, address, data[:count]) if write else 0)

        window = random_request(rng, memory, int(rng.integers(0, 2)))
        # The window has its bank; one that asks for nothing leaves both to the residual.
        free = 1 - window["bank"] if window["valid"] else int(rng.integers(0, 2))
        residual = random_request(rng, memory, free)
        for port, request in (("window", window), ("residual", residual)):
            drive_read(dut, port, request)
            if cycle >= len(fill) + WritePath.LATENCY:
                word, fault = memory.read(request)
                expected[port][cycle + ReadPath.LATENCY, "word"] = word, request
                expected[port][cycle + ReadPath.FAULT, "fault"] = fault, request
                compared, faults = compared + 1, faults + fault
            else:
                getattr(dut, f"{port}_valid").value = 0
        await step(dut)
    assert compared > 9000
    assert faults > 500


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_write_is_seen_two_cycles_later(dut):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    lanes = int(os.environ["LANES"])
    memory = Memory(lanes)
    await reset(dut)
    plain = {"valid": 1, "x": 0, "inside": 1, "line_bytes": lanes, "used": lanes, "pad": PAD}
    for _ in range(200):
        bank, address = int(rng.integers(0, 2)), int(rng.integers(0, memory.size - lanes + 1))
        data = rng.integers(0, 128, lanes)
        dut.write_bank.value, dut.write_address.value = bank, address
        dut.write_count.value, dut.write_word.value = lanes, packed(data, 8)
        dut.write_valid.value = 1
        await step(dut)
        dut.write_valid.value = 0
        for _ in range(WritePath.LATENCY - 1):
            await step(dut)
        drive_read(dut, "window", {**plain, "bank": bank, "address": address})
        for _ in range(ReadPath.LATENCY):
            await step(dut)
        assert int(dut.window_word.value) == packed(data, 8)


@pytest.mark.parametrize("lanes", [4, 8])
def test_buffers_match_bytes(bench, lanes):
    architecture = Architecture(rows=lanes, columns=4, activation_words=WORDS)
    result = bench(Paths(architecture), environment={"LANES": str(lanes)})
    assert len(result.tests) == 2
