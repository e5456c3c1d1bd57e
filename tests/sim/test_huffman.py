"""The Huffman decoder against `HuffmanCode`: every code, damaged packets, and its stated cycles."""

import functools

import numpy as np
import pytest
from tests.cocotb.streams import FLOW, RANDOM, STALL
from tests.support.huffman import Host, Packet, chain, codes, random_symbols

from bitwright.compress.huffman import HuffmanCode
from bitwright.rtl.bitwindow import part_bits
from bitwright.rtl.huffman import HuffmanDecoder, HuffmanFault
from bitwright.sim import VerilatedModel

SHAPES = {"8 bytes, 16 bits": (8, 16), "4 bytes, 12 bits": (4, 12), "2 bytes, 16 bits": (2, 16)}


@functools.cache
def built(lanes, longest):
    design = HuffmanDecoder(lanes, longest)
    return VerilatedModel.build(design, "top", trace=False, optimize=1).library


@pytest.fixture(params=SHAPES.values(), ids=list(SHAPES))
def host(request):
    lanes, longest = request.param
    with VerilatedModel(built(lanes, longest)) as model:
        yield Host(model, lanes, longest)


@pytest.fixture
def wide():
    with VerilatedModel(built(8, 16)) as model:
        yield Host(model, 8, 16)


PACES = [(a, b) for a in (FLOW, STALL, RANDOM) for b in (FLOW, STALL, RANDOM)]


@pytest.mark.parametrize("name", list(codes(16)))
def test_symbols_come_back(host, name):
    rng = np.random.default_rng(5)
    code = codes(host.longest)[name]
    host.load(code.table(host.longest), RANDOM)
    for seed, paces in enumerate(PACES):
        symbols = random_symbols(code, int(rng.integers(1, 120)), rng)
        packet = Packet.of(len(symbols), code.encode(symbols), host.lanes)
        found, fault, _ = host.run(packet, *paces, seed)
        assert found == symbols.tolist()
        assert fault is HuffmanFault.NONE


@pytest.mark.parametrize("name", list(codes(16)))
def test_damaged_packets_are_flagged_as_the_codec_does(host, name):
    """Truncated, longer, with a run of ones, of noise; a good packet after it comes through."""
    rng = np.random.default_rng(6)
    code = codes(host.longest)[name]
    host.load(code.table(host.longest))
    faults = set()
    for seed in range(40):
        symbols = random_symbols(code, int(rng.integers(1, 150)), rng)
        bits = code.encode(symbols)
        match seed % 4:
            case 0:
                bits = bits[: int(rng.integers(1, len(bits) + 1))]
            case 1:
                bits = np.append(bits, rng.integers(0, 2, int(rng.integers(1, 200))))
            case 2:
                bits[rng.integers(0, len(bits)) :][: host.longest] = 1
            case 3:
                bits = rng.integers(0, 2, int(rng.integers(1, 300)))
        packet = Packet.of(len(symbols), bits, host.lanes)
        faults.add(host.check(code, packet, *PACES[seed % len(PACES)], seed))
    assert {HuffmanFault.SHORT, HuffmanFault.LEFT_OVER} <= faults
    packet = Packet.of(len(symbols), code.encode(symbols), host.lanes)
    assert host.check(code, packet) is HuffmanFault.NONE
    complete = sum(2.0**-length for length in code.lengths if length) == 1
    assert (HuffmanFault.CODE in faults) == (not complete)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 11, 16])
def test_a_symbol_per_cycle_of_any_length(wide, length):
    """And the first one at the stated latency."""
    code = HuffmanCode((length,) * min(1 << length, 256))
    wide.load(code.table())
    symbols = np.random.default_rng(length).integers(0, len(code.lengths), 200)
    found, _, times = wide.run(Packet.of(len(symbols), code.encode(symbols), 8))
    assert found == symbols.tolist()
    assert times == list(range(HuffmanDecoder.LATENCY, HuffmanDecoder.LATENCY + 200))


def test_a_symbol_per_cycle_of_all_lengths(host):
    code = chain(host.longest)
    host.load(code.table(host.longest))
    symbols = np.random.default_rng(1).integers(0, len(code.lengths), 300)
    _, _, times = host.run(Packet.of(len(symbols), code.encode(symbols), host.lanes))
    assert times == list(range(HuffmanDecoder.LATENCY, HuffmanDecoder.LATENCY + 300))


@pytest.mark.parametrize("extra", [0, 1], ids=["", "a word too many"])
def test_symbols_that_end_with_a_word(host, extra):
    """No padding is asked for; one more word of zeros is one too many."""
    code = HuffmanCode((2, 2, 2, 2))
    host.load(code.table(host.longest))
    packet = Packet.of(8 * host.lanes, [0, 1] * (8 * host.lanes), host.lanes)
    longer = Packet(packet.count, packet.words + (bytes(host.lanes),) * extra)
    fault = host.check(code, longer)
    assert fault is (HuffmanFault.LEFT_OVER if extra else HuffmanFault.NONE)


def test_one_bit_of_padding_is_seen(host):
    code = HuffmanCode((1, 1))
    host.load(code.table(host.longest))
    for place in range(1, 8 * host.lanes):
        bits = np.zeros(8 * host.lanes, np.uint8)
        bits[place] = 1
        assert host.check(code, Packet.of(1, bits, host.lanes)) is HuffmanFault.LEFT_OVER


def test_a_packet_of_no_symbols_has_no_words(wide):
    wide.load(HuffmanCode((1, 1)).table())
    assert wide.run(Packet(0, ())) == ([], HuffmanFault.NONE, [])


GOOD = chain(16).table()
TABLES = {
    "none": (),
    "too short lengths": (1, 3, *[0] * 14, 5, 6, 7, 8),
    "too many of one bit": (256, *[0] * 15, *range(256)),
    "the longest too many": (1, *[1] * 14, 3, *range(18)),
    "more than 256 symbols": (*[0] * 8, 256, 1, *[0] * 6, *range(256), 0),
    "no symbol": ((0,) * 16),
    "a symbol missing": GOOD[:-1],
    "a symbol too many": (*GOOD, 3),
    "512 symbols too many": (*GOOD, *[3] * 512),
    "ends within its counts": GOOD[:9],
    "a symbol of nine bits": (*GOOD[:-1], 256),
}


@pytest.mark.parametrize("numbers", TABLES.values(), ids=list(TABLES))
def test_malformed_tables_are_refused(wide, numbers):
    """The packet is dropped; a good table then serves."""
    if numbers:
        wide.load(GOOD)
        wide.load(numbers)
    packet = Packet.of(40, chain(16).encode([1, 2] * 20), 8)
    assert wide.run(packet, RANDOM)[:2] == ([], HuffmanFault.TABLE)
    wide.load(GOOD)
    assert wide.run(packet)[:2] == ([1, 2] * 20, HuffmanFault.NONE)


def test_bits_that_fall_short_of_the_longest_code_end_within_one(wide):
    """Of the longest in this table, not of the one before or of `max_length`."""
    wide.load(GOOD)
    code = codes(16)["thirds"]
    wide.load(code.table())
    faults = []
    for ones in (2, 4, 6, 14, 16, 40):
        bits = [0] * (64 - ones) + [1] * ones
        faults.append(wide.check(code, Packet.of(64, bits, 8)))
    assert faults == [HuffmanFault.SHORT] * 2 + [HuffmanFault.CODE] * 4


def test_a_word_must_hold_the_longest_code():
    with pytest.raises(ValueError, match=r"max_length is 16 and a word has 8 bits"):
        part_bits(1, 16)
