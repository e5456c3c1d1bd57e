"""Random damage to a program and its packets, from a seed."""

from collections.abc import Callable

import numpy as np
from tests.support.malformed import Sent

from bitwright.isa.instructions import EXECUTE_FIELDS, EXECUTE_WORDS, FETCH_FIELDS, FETCH_WORDS
from bitwright.isa.registers import HEADER_WORDS

Generator = np.random.Generator


def damage(sent: Sent, rng: Generator) -> str:
    """Do one to three random things to what a host sends; what was done, in words."""
    chosen = [_DAMAGES[rng.integers(len(_DAMAGES))] for _ in range(rng.integers(1, 4))]
    return "; ".join(done(sent, rng) for done in chosen)


def _flip(sent: Sent, rng: Generator) -> str:
    n, bit = _word(sent, rng), int(rng.integers(32))
    sent.words[n] ^= np.uint32(1 << bit)
    return f"word {n} bit {bit} flipped"


def _replace(sent: Sent, rng: Generator) -> str:
    n, value = _word(sent, rng), int(rng.integers(1 << 32))
    sent.words[n] = value
    return f"word {n} is {value:#x}"


def _field(sent: Sent, rng: Generator) -> str:
    """A field at an end of its range, near 0, or anywhere."""
    of_execute = rng.random() < 0.7
    fields = EXECUTE_FIELDS if of_execute else FETCH_FIELDS
    name = list(fields)[rng.integers(len(fields))]
    field = fields[name]
    low = -(1 << field.width - 1) if field.signed else 0
    high = (1 << field.width - field.signed) - 1
    small = min(int(rng.integers(0, 70)), high)
    value = int(rng.choice([low, high, small, int(rng.integers(low, high, endpoint=True))]))
    count = len(sent.program.execute if of_execute else sent.program.fetch)
    n = int(rng.integers(count))
    (sent.execute if of_execute else sent.fetch)(n, **{name: value})
    return f"{'execute' if of_execute else 'fetch'} {n} {name} {value}"


def _copy(sent: Sent, rng: Generator) -> str:
    """An instruction in place of another."""
    of_execute = rng.random() < 0.7
    words = EXECUTE_WORDS if of_execute else FETCH_WORDS
    count = len(sent.program.execute if of_execute else sent.program.fetch)
    begin = HEADER_WORDS + (0 if of_execute else EXECUTE_WORDS * len(sent.program.execute))
    source, target = (int(n) for n in rng.integers(0, count, 2))
    whole = sent.words[begin : begin + words * count].reshape(count, words)
    whole[target] = whole[source]
    return f"{'execute' if of_execute else 'fetch'} {target} is {source}"


def _packet(sent: Sent, rng: Generator) -> str:
    """A packet shorter, longer, missing or twice."""
    lists = [name for name in ("prologue", "body", "images") if getattr(sent, name)]
    name = lists[rng.integers(len(lists))]
    packets = getattr(sent, name)
    n, kind = int(rng.integers(len(packets))), int(rng.integers(4))
    packet = packets[n]
    cut = int(rng.integers(1, len(packet) + 1))
    packets[n : n + 1] = [
        [packet[:cut]],
        [np.concatenate([packet, packet[:cut]])],
        [],
        [packet, packet],
    ][kind]
    return f"{name} packet {n} {['cut', 'drawn out', 'missing', 'twice'][kind]} ({cut})"


def _word(sent: Sent, rng: Generator) -> int:
    """Mostly of the instructions: a damaged header seldom gets far."""
    low = 0 if rng.random() < 0.1 else HEADER_WORDS
    return int(rng.integers(low, len(sent.words)))


_DAMAGES: tuple[Callable[[Sent, Generator], str], ...] = (
    *(_flip, _flip, _replace),
    *(_field, _field, _field, _field),
    *(_copy, _packet),
)
