"""What the Huffman decoder is sent, what it must make of it by `HuffmanCode.decode`, and a host."""

import re
from dataclasses import dataclass

import numpy as np
from tests.cocotb.streams import FLOW, pauses

from bitwright.compress.huffman import HuffmanCode, HuffmanError
from bitwright.rtl.huffman import HuffmanFault
from bitwright.sim import VerilatedModel


def chain(longest):
    """The code of lengths 1, 2, .. longest, longest: complete, and as uneven as can be."""
    return HuffmanCode((*range(1, longest + 1), longest))


def codes(longest):
    """Codes by name, none longer than ``longest``; the last four leave bits without a code."""
    rng = np.random.default_rng(longest)
    falling = np.maximum(1, 1e7 * 0.5 ** np.arange(256))
    return {
        "two symbols": HuffmanCode((0, 1, 0, 1)),
        "256 alike": HuffmanCode((8,) * 256),
        "256 at the limit": HuffmanCode.from_counts(rng.permutation(falling), longest),
        "a chain": chain(longest),
        "a lone symbol": HuffmanCode.from_counts([0] * 255 + [7]),
        "the longest alone": HuffmanCode((longest,) * 256),
        "a chain without its end": HuffmanCode(tuple(range(1, longest + 1))),
        "thirds": HuffmanCode((2, 0, 4, 2, 5, 5)),
    }


def random_symbols(code, count, rng):
    """Symbols with codes, the short ones as often as a stream has them in a third of the cases."""
    known = np.flatnonzero(code.lengths)
    weights = 2.0 ** -np.array(code.lengths)[known] if rng.random() < 1 / 3 else np.ones(len(known))
    return rng.choice(known, count, p=weights / weights.sum())


@dataclass(frozen=True)
class Packet:
    """A number of symbols and the words with their codes."""

    count: int
    words: tuple[bytes, ...]

    @classmethod
    def of(cls, count, bits, lanes):
        """Bits in words of ``lanes`` bytes, filled up with zeros."""
        text = np.packbits(np.asarray(bits, np.uint8)).tobytes()
        text += bytes(-len(text) % lanes)
        return cls(count, tuple(text[n : n + lanes] for n in range(0, len(text), lanes)))

    @property
    def bits(self):
        return np.unpackbits(np.frombuffer(b"".join(self.words), np.uint8))


def decoded(code, packet):
    """The symbols up to the first fault, and the fault, by `HuffmanCode.decode`."""
    try:
        return code.decode(packet.bits, packet.count).tolist(), HuffmanFault.NONE
    except HuffmanError as error:
        message = str(error)
    if more := re.match(r"(\d+) bits are left over", message):
        end = len(packet.bits) - int(more[1])
        padding = packet.bits[end:]
        padded = len(padding) < 8 * len(packet.words[0]) and not padding.any()
        symbols = code.decode(packet.bits[:end], packet.count).tolist()
        return symbols, HuffmanFault.NONE if padded else HuffmanFault.LEFT_OVER
    place = re.search(r"symbol (\d+)", message)
    symbols, _ = decoded(code, Packet(int(place[1]), packet.words))
    return symbols, HuffmanFault.SHORT if "within" in message else HuffmanFault.CODE


@dataclass
class Host:
    """Sends to a decoder's three streams and takes from the fourth, each side at its own pace."""

    model: VerilatedModel
    lanes: int
    longest: int

    def load(self, numbers, pace=FLOW):
        """Send a table."""
        ends = [n == len(numbers) - 1 for n in range(len(numbers))]
        beats = [int(value) | end << 9 for value, end in zip(numbers, ends, strict=True)]
        paused = pauses(pace, 1)
        self.model.io.table__valid = 0
        for beat in beats:
            while next(paused):
                self.model.clock.tick()
            self.model.io.table__payload, self.model.io.table__valid = beat, 1
            for _ in range(4):
                ready = self.model.io.table__ready
                self.model.clock.tick()
                if ready:
                    break
            else:
                raise AssertionError("the table is not taken")
            self.model.io.table__valid = 0

    def run(self, packet, source=FLOW, sink=FLOW, seed=0):
        """Send a packet; its symbols, its fault, and per event the cycle from the first word."""
        io = self.model.io
        source_paused, sink_paused = pauses(source, seed), pauses(sink, seed + 1)
        words = [int.from_bytes(w, "little") for w in packet.words]
        words[-1:] = [word | 1 << 8 * self.lanes for word in words[-1:]]
        io.counts__payload, io.counts__valid, io.words__valid = packet.count, 1, 0
        symbols, times, sent, offered = [], [], 0, None
        began = 0
        deadline = 60 * (8 * self.lanes * len(words) + 20)
        for cycle in range(deadline):
            if not io.words__valid and sent < len(words) and not next(source_paused):
                io.words__payload, io.words__valid = words[sent], 1
            symbol = io.symbols__payload if io.symbols__valid else None
            assert offered is None or symbol == offered, "an offered symbol was withdrawn"
            io.symbols__ready = int(symbol is not None and not next(sink_paused))
            offered = symbol
            if io.symbols__ready:
                symbols.append(symbol)
                times.append(cycle)
                offered = None
            counted, taken = io.counts__valid & io.counts__ready, io.words__valid & io.words__ready
            done, fault = io.done, io.fault
            self.model.clock.tick()
            if counted:
                io.counts__valid = 0
            if taken:
                began = began or cycle
                sent += 1
                io.words__valid = 0
            if done:
                assert sent == len(words), "done before the packet's end"
                assert offered is None, "done before the last symbol was taken"
                return symbols, HuffmanFault(fault), [time - began for time in times]
        raise AssertionError(f"not done after {deadline} cycles: a hang")

    def check(self, code, packet, *paces):
        symbols, fault, _ = self.run(packet, *paces)
        assert (symbols, fault) == decoded(code, packet)
        return fault
