"""Waveforms as SVG: one row per signal, one column per clock cycle.

The drawing carries classes and no colours; `STYLE` has rules for them, which the report's page puts
on its palette and a picture of its own brings along (`standalone`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from bitwright.report.document import document
from bitwright.report.trace import Trace

ROW = 26  # pixels
LINE = 16
"""Height of a signal in its row."""
TOP = 38
CHARACTER = 6.05
"""Width of a character of a value, at the size `STYLE` gives it."""
NOTE = 6.4
"""The same of a note."""
SLANT = 3

Show = Callable[[int, int], str]
"""The text of a value, from the value and the signal's width."""


def signed(value: int, width: int) -> str:
    """Two's complement, in decimal.

    >>> signed(255, 8), signed(127, 8)
    ('-1', '127')
    """
    return str(value - (value >> width - 1 << width))


def unsigned(value: int, _: int) -> str:
    """In decimal."""
    return str(value)


def hexadecimal(value: int, width: int) -> str:
    """All digits of the width.

    >>> hexadecimal(10, 16)
    '000a'
    """
    return f"{value:0{-(-width // 4)}x}"


@dataclass(frozen=True, slots=True)
class Row:
    """One signal."""

    label: str
    signal: str
    show: Show | None = None
    """None draws a level; else the values are written into the row."""
    when: str | None = None
    """Signal that must be high for the value to mean anything; it is faint elsewhere."""
    tone: str = "blue"


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock whose rising edges part the cycles."""

    label: str = "clk"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of text that begins a group of rows."""

    label: str


AnyRow = Row | Clock | Heading


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at the beginning of a cycle, with a text above the rows."""

    cycle: int
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A dimension line in a heading's row, from the middle of a cycle to that of another."""

    heading: str
    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What to draw of a trace."""

    trace: Trace
    rows: Sequence[AnyRow]
    origin: int = 0
    """The cycle that is called 0."""
    marks: Sequence[Mark] = ()
    spans: Sequence[Span] = ()
    cycle_width: int = 28
    """Pixels."""
    title: str = ""

    @property
    def width(self) -> int:
        """Pixels of the cycles."""
        return (self.trace.last + 1 - self.trace.first) * self.cycle_width + 12

    @property
    def height(self) -> int:
        """Pixels, ruler and all rows."""
        return TOP + ROW * len(self.rows) + 6

    @property
    def label_width(self) -> int:
        """Pixels of the column of labels."""
        return int(max(len(row.label) for row in self.rows) * 6.7) + 28

    def x(self, cycle: float) -> float:
        """Where a cycle begins."""
        return (cycle - self.trace.first) * self.cycle_width

    def y(self, label: str) -> int:
        """Top of a row's signal."""
        index = next(n for n, row in enumerate(self.rows) if row.label == label)
        return TOP + ROW * index + (ROW - LINE) // 2


def labels(picture: Picture) -> str:
    """The column of labels."""
    parts = []
    for n, row in enumerate(picture.rows):
        y = TOP + ROW * n + ROW // 2 + 4
        if isinstance(row, Heading):
            parts.append(f'<text class="w-head" x="8" y="{y}">{escape(row.label)}</text>')
        else:
            parts.append(f'<text class="w-name" x="16" y="{y}">{escape(row.label)}</text>')
    return _svg(picture.label_width, picture.height, "".join(parts), picture.title)


def cycles(picture: Picture) -> str:
    """The rows themselves."""
    return _svg(picture.width, picture.height, "".join(_content(picture)), picture.title)


def standalone(picture: Picture) -> str:
    """Labels and rows in one SVG file with its own colours, light or dark as the viewer is."""
    left, height = picture.label_width, picture.height
    width = left + picture.width
    content = f'{labels(picture)}\n<g transform="translate({left} 0)">{cycles(picture)}</g>'
    return document(width, height, content, style=STYLE, title=picture.title)


def _svg(width: int, height: int, content: str, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{content}</svg>'
    )


def _content(picture: Picture) -> Iterator[str]:
    yield _ruler(picture)
    for n, row in enumerate(picture.rows):
        top = TOP + ROW * n + (ROW - LINE) // 2
        if isinstance(row, Heading):
            y = TOP + ROW * n + ROW - 3
            yield f'<path class="w-rule" d="M0 {y}H{picture.width}"/>'
        elif isinstance(row, Clock):
            yield _clock(picture, top)
        elif row.show is None:
            yield _level(picture, row, top)
        else:
            yield from _values(picture, row, row.show, top)
        yield "\n"
    for mark in picture.marks:
        x = picture.x(mark.cycle)
        yield f'<path class="w-mark" d="M{x:g} {TOP - 12}V{picture.height}"/>'
        yield f'<text class="w-note" x="{x + 4:g}" y="{TOP - 24}">{escape(mark.text)}</text>'
    for span in picture.spans:
        yield _dimension(picture, span)


def _ruler(picture: Picture) -> str:
    wide = picture.cycle_width >= 12
    step = 5 if wide else 10
    grid, texts = [], []
    for cycle in range(picture.trace.first, picture.trace.last + 2):
        x = picture.x(cycle)
        number = cycle - picture.origin
        if cycle <= picture.trace.last and number % step == 0:
            texts.append(
                f'<text class="w-tick" x="{x + picture.cycle_width / 2:g}" y="{TOP - 6}">'
                f"{number}</text>"
            )
        if wide or number % step == 0:
            grid.append(f"M{x:g} {TOP}V{picture.height}")
    return f'<path class="w-grid" d="{"".join(grid)}"/>{"".join(texts)}\n'


def _clock(picture: Picture, top: int) -> str:
    half = picture.cycle_width / 2
    period = f"V{top}h{half:g}V{top + LINE}h{half:g}"
    count = picture.trace.last + 1 - picture.trace.first
    return f'<path class="w-level w-muted" d="M0 {top + LINE}{period * count}"/>'


def _level(picture: Picture, row: Row, top: int) -> str:
    """A line that is up where the signal is 1, filled beneath."""
    line: list[str] = []
    area: list[str] = []
    for first, last, value in _runs(picture.trace, [row.signal]):
        y = top if value[0] else top + LINE
        x0, x1 = picture.x(first), picture.x(last + 1)
        line.append(f"{'V' if line else f'M{x0:g} '}{y}H{x1:g}")
        if value[0]:
            area.append(f"M{x0:g} {top}H{x1:g}V{top + LINE}H{x0:g}z")
    return (
        f'<path class="w-area w-{row.tone}" d="{"".join(area)}"/>'
        f'<path class="w-level w-{row.tone}" d="{"".join(line)}"/>'
    )


def _values(picture: Picture, row: Row, show: Show, top: int) -> Iterator[str]:
    """Hexagons with the values in them; a value that has no room is told when pointed at."""
    width = picture.trace.signals[row.signal].width
    faint, shapes, texts = [], [], []
    middle = top + LINE / 2
    for first, last, (value, valid) in _runs(picture.trace, [row.signal, row.when or row.signal]):
        x0, x1 = picture.x(first), picture.x(last + 1)
        if row.when is not None and not valid:
            faint.append(f"M{x0:g} {middle:g}H{x1:g}")
            continue
        shape = (
            f"M{x0:g} {middle:g}l{SLANT} {-LINE // 2}H{x1 - SLANT:g}l{SLANT} {LINE // 2}"
            f"l{-SLANT} {LINE // 2}H{x0 + SLANT:g}z"
        )
        text = escape(show(value, width))
        room = x1 - x0 - 2 * SLANT
        if len(text) * CHARACTER <= room + 3:
            shapes.append(shape)
            texts.append(f'<text x="{(x0 + x1) / 2:g}" y="{middle + 3.4:g}">{text}</text>')
        else:
            yield f'<path class="w-value w-{row.tone}" d="{shape}"><title>{text}</title></path>'
            if room > CHARACTER:
                yield f'<text class="w-more" x="{(x0 + x1) / 2:g}" y="{middle + 3:g}">…</text>'
    yield f'<path class="w-faint" d="{"".join(faint)}"/>'
    yield f'<path class="w-value w-{row.tone}" d="{"".join(shapes)}"/>'
    yield f'<g class="w-text">{"".join(texts)}</g>'


def _runs(trace: Trace, names: Sequence[str]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(first cycle, last cycle, values) of each stretch in which no value changes."""
    columns: Iterable[tuple[int, ...]] = zip(
        *(trace.signals[name].values for name in names), strict=True
    )
    cycle = trace.first
    for values, group in groupby(columns):
        length = len(list(group))
        yield cycle, cycle + length - 1, values
        cycle += length


def _dimension(picture: Picture, span: Span) -> str:
    y = picture.y(span.heading) + LINE // 2
    x0 = picture.x(span.first + 0.5)
    x1 = picture.x(span.last + 0.5)
    fits = x1 + 10 + len(span.text) * NOTE <= picture.width
    x, anchor = (x1 + 5, "start") if fits else (x0 - 5, "end")
    return (
        f'<path class="w-span" d="M{x0:g} {y - 4}v8M{x1:g} {y - 4}v8M{x0:g} {y}H{x1:g}"/>'
        f'<text class="w-note" x="{x:g}" y="{y + 4}" text-anchor="{anchor}">'
        f"{escape(span.text)}</text>"
    )


STYLE = """\
.w-head, .w-name, .w-tick, .w-note { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; }
.w-head { font-weight: 700; fill: var(--ink); }
.w-name { fill: var(--muted); }
.w-tick { fill: var(--muted); font-size: 10px; text-anchor: middle; }
.w-note { fill: var(--red); font-size: 10.5px; }
.w-text text, .w-more {
  font: 10px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); text-anchor: middle; }
.w-grid, .w-rule, .w-faint { stroke: var(--line); fill: none; }
.w-grid { stroke-opacity: 0.55; }
.w-mark { stroke: var(--red); stroke-dasharray: 3 3; fill: none; }
.w-span { stroke: var(--red); fill: none; }
.w-level { fill: none; stroke-width: 1.5px; }
.w-value { stroke-width: 1.2px; fill-opacity: 0.16; }
.w-area { fill-opacity: 0.16; stroke: none; }
.w-blue { stroke: var(--blue); } .w-area.w-blue, .w-value.w-blue { fill: var(--blue); }
.w-orange { stroke: var(--orange); } .w-area.w-orange, .w-value.w-orange { fill: var(--orange); }
.w-green { stroke: var(--green); } .w-area.w-green, .w-value.w-green { fill: var(--green); }
.w-purple { stroke: var(--purple); } .w-area.w-purple, .w-value.w-purple { fill: var(--purple); }
.w-muted { stroke: var(--muted); } .w-area.w-muted, .w-value.w-muted { fill: var(--muted); }
"""
