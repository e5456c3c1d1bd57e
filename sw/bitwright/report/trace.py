"""A waveform file read back: the value of each signal in each clock cycle."""

import difflib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcd.reader import Token, VarDecl

UNITS = 2
"""Time units of a clock cycle, as the simulation writes them: low, then high."""

# Names that yosys makes up begin with `$`; the tokenizer refuses them, and nobody asks for them.
_PRIVATE = re.compile(rb"\s*\$var \S+ \d+ \S+ \$")


class TraceError(ValueError):
    """The file is not a waveform, or has no such signal."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal's values, one per cycle, as unsigned numbers."""

    width: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Signals of consecutive cycles, sampled as the rising edge that ends the cycle sees them."""

    first: int
    """Number of the first cycle, counted as the simulation does."""
    signals: Mapping[str, Signal]

    @property
    def last(self) -> int:
        """Number of the last cycle."""
        return self.first + min(len(s.values) for s in self.signals.values()) - 1

    def at(self, name: str, cycle: int) -> int:
        """A signal's value in a cycle."""
        return self.signals[name].values[cycle - self.first]

    def high(self, name: str) -> list[int]:
        """The cycles in which a signal is not 0."""
        values = self.signals[name].values
        return [self.first + n for n, value in enumerate(values) if value]

    def cut(self, first: int, last: int) -> "Trace":
        """Cycles ``first`` to ``last`` of it, as far as it has them."""
        first, last = max(first, self.first), min(last, self.last)
        if first > last:
            raise TraceError(f"the waveform has cycles {self.first} to {self.last}, not {first}")
        part = slice(first - self.first, last + 1 - self.first)
        cut = {name: Signal(s.width, s.values[part]) for name, s in self.signals.items()}
        return Trace(first, cut)


def read_trace(path: Path, names: Iterable[str], clock: str = "clk") -> Trace:
    """Read signals of a `.vcd` file.

    A name is the end of a signal's path (``walker.valid``); of several such signals the one nearest
    to the top is meant.

    Raises:
        TraceError: a signal is not there; the message names similar ones.
    """
    from vcd.reader import VCDParseError, tokenize

    names = list(dict.fromkeys(names))
    with path.open("rb") as file:
        text = io.BytesIO(b"".join(line for line in file if not _PRIVATE.match(line)))
    try:
        tokens = iter(tokenize(text))
        known = _declarations(tokens)
        found = {name: known[_resolve(name, known, path)] for name in [*names, clock]}
        first, samples = _sample(tokens, [found[n].id_code for n in names], found[clock].id_code)
    except VCDParseError as error:
        raise TraceError(f"{path}: not a waveform (.vcd): {error}") from None
    if not samples:
        raise TraceError(f"{path}: no rising edge of {clock!r}")
    columns = dict(zip(names, zip(*samples, strict=True), strict=True))
    return Trace(first, {name: Signal(found[name].size, columns[name]) for name in names})


def _declarations(tokens: "Iterator[Token]") -> "dict[str, VarDecl]":
    """Every signal's full path, in the file's order."""
    from vcd.reader import TokenKind

    scopes: list[str] = []
    known: dict[str, VarDecl] = {}
    for token in tokens:
        if token.kind is TokenKind.SCOPE:
            scopes.append(token.scope.ident)
        elif token.kind is TokenKind.UPSCOPE:
            scopes.pop()
        elif token.kind is TokenKind.VAR:
            known.setdefault(".".join([*scopes, token.var.reference]), token.var)
        elif token.kind is TokenKind.ENDDEFINITIONS:
            break
    return known


def _sample(
    tokens: "Iterator[Token]", codes: list[str], clock: str
) -> tuple[int, list[tuple[int, ...]]]:
    """The first cycle's number, and the values before each rising edge."""
    from vcd.reader import TokenKind

    state = dict.fromkeys([*codes, clock], 0)
    samples: list[tuple[int, ...]] = []
    first = now = 0
    before: tuple[int, ...] = ()
    for token in tokens:
        if token.kind is TokenKind.CHANGE_TIME:
            now = token.time_change
            before = tuple(state[code] for code in codes)
        elif token.kind is TokenKind.CHANGE_SCALAR or token.kind is TokenKind.CHANGE_VECTOR:
            scalar = token.kind is TokenKind.CHANGE_SCALAR
            change = token.scalar_change if scalar else token.vector_change
            if change.id_code not in state:
                continue
            value = _number(change.value)
            if change.id_code == clock and value and not state[clock]:
                # The other changes of this moment come after the edge.
                first = first if samples else now // UNITS
                samples.append(before)
            state[change.id_code] = value
    return first, samples


def _resolve(name: str, known: Mapping[str, object], path: Path) -> str:
    found = [full for full in known if full == name or full.endswith(f".{name}")]
    if not found:
        ends = {".".join(full.split(".")[-1 - name.count(".") :]) for full in known}
        close = difflib.get_close_matches(name, sorted(ends), 3)
        hint = f"; similar: {', '.join(close)}" if close else ""
        raise TraceError(f"{path}: no signal {name!r}{hint}")
    return min(found, key=lambda full: full.count("."))


def _number(value: int | str) -> int:
    # x and z do not occur in a two-state simulation; another simulator's count as 0.
    return value if isinstance(value, int) else int(re.sub("[^01]", "0", value), 2)
