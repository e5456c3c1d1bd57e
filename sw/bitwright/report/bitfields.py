"""Codes of number formats as pictures: a cell per bit, and above them the block they lie in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bitwright.arith.facts import Field
from bitwright.report.document import document

CELL, HEIGHT = 25, 30  # pixels
GAP = 7
"""Between two fields."""
MARGIN = 18
STRIP = 24
"""Height of the block drawn as a row of its elements."""
CHARACTER, LETTER = 6.7, 7.7
"""Width of a character of text, and of a code, at the sizes `_STYLE` gives them."""

_TONES = {
    "sign": "red",
    "exponent": "green",
    "mantissa": "blue",
    "magnitude": "blue",
    "integer": "blue",
    "index": "purple",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One code, bit by bit."""

    fields: Sequence[Field]
    pattern: str
    """The bits from the top down, fields apart."""
    meaning: str
    """What the code is worth; beside the bits."""
    label: str = ""
    """In front of the bits, where several words are drawn."""
    point: int | None = None
    """So many bits from the right lies the binary point; None: not drawn."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What elements share, in front of them."""

    symbol: str
    stored: bool = True
    """A dashed outline if not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A format's picture."""

    title: str
    formula: str
    words: Sequence[Word]
    shared: Sequence[Shared] = ()
    block: int = 1
    """Elements drawn behind the shared parts; of them the first is drawn bit by bit."""
    extent: str = ""
    """What these elements are; beside them."""
    note: str = ""
    """Beneath, what the symbols are."""


def bitfields(layout: Layout) -> str:
    """Give the picture as an SVG file of its own."""
    title_width = CHARACTER * (1.1 * len(layout.title) + len(layout.formula)) + 24
    title = f'<tspan class="f-title">{escape(layout.title)}</tspan>'
    formula = f'<tspan dx="14">{escape(layout.formula)}</tspan>'
    parts = [f'<text x="{MARGIN}" y="26">{title}{formula}</text>']
    y, right = 42.0, MARGIN + title_width
    if layout.shared:
        strip, end, element = _strip(layout, y)
        parts.append(strip)
        right = max(right, end)
        y += STRIP + 20
    indent = MARGIN + max(LETTER * len(word.label) + 8 * bool(word.label) for word in layout.words)
    for n, word in enumerate(layout.words):
        if layout.shared and n == 0:
            parts.append(_leads(element, indent, indent + _width(word), y))
        drawn, end = _word(word, indent, y)
        parts.append(drawn)
        right = max(right, end)
        y += HEIGHT + 34
    if layout.note:
        parts.append(f'<text x="{MARGIN}" y="{y:g}">{escape(layout.note)}</text>')
        right = max(right, MARGIN + CHARACTER * len(layout.note))
        y += 18
    return document(
        round(right + MARGIN), round(y), "\n".join(parts), style=_STYLE, title=layout.title
    )


def _width(word: Word) -> float:
    return CELL * sum(f.width for f in word.fields) + GAP * (len(word.fields) - 1)


def _word(word: Word, x: float, y: float) -> tuple[str, float]:
    """Draw a word's cells with the fields' names beneath; give where the drawing ends."""
    parts = []
    if word.label:
        parts.append(
            f'<text class="f-code" x="{MARGIN}" y="{y + 20:g}">{escape(word.label)}</text>'
        )
    place = sum(field.width for field in word.fields)
    point = None
    for field, bits in zip(word.fields, word.pattern.split(), strict=True):
        cells = "".join(_cell(x + CELL * n, y, bit) for n, bit in enumerate(bits))
        centre = x + CELL * field.width / 2
        parts.append(f'<g class="f-{_TONES[field.name]}">{cells}</g>')
        parts.append(_name(field, centre, y + HEIGHT + 15))
        for n in range(field.width):
            if place - n == word.point:
                point = x + CELL * n
        if place - field.width == word.point:
            point = x + CELL * field.width
        place -= field.width
        x += CELL * field.width + GAP
    if point is not None:
        parts.append(f'<circle class="f-point" cx="{point:g}" cy="{y + HEIGHT:g}" r="3.4"/>')
    x += 6
    parts.append(f'<text class="f-code" x="{x:g}" y="{y + 20:g}">{escape(word.meaning)}</text>')
    return "".join(parts), x + LETTER * len(word.meaning)


def _name(field: Field, centre: float, y: float) -> str:
    text = f"{field.name} {field.width}" if field.width > 2 else field.name
    if len(text) > 4 * field.width:  # no room
        text = f"{text[:4]}."
    return f'<text class="f-name" x="{centre:g}" y="{y:g}">{text}</text>'


def _cell(x: float, y: float, text: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{HEIGHT}"/>'
        f'<text class="f-bit" x="{x + CELL / 2:g}" y="{y + 20:g}">{text}</text>'
    )


def _strip(layout: Layout, y: float) -> tuple[str, float, tuple[float, float, float]]:
    """Draw the block; give also where it ends, and the first element's left, right and bottom."""
    x, parts = float(MARGIN), []
    for shared in layout.shared:
        width = CHARACTER * len(shared.symbol) + 16
        dashed = "" if shared.stored else ' stroke-dasharray="4 3"'
        parts.append(
            f'<g class="f-orange"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{STRIP}"'
            f'{dashed}/><text class="f-bit" x="{x + width / 2:g}" y="{y + 16:g}">'
            f"{escape(shared.symbol)}</text></g>"
        )
        x += width + 4
    x += 4
    step = min(22.0, 440 / layout.block)
    first = (x, x + step, y + STRIP)
    cells = list(_elements(layout.block, x, y, step))
    parts.append(f'<g class="f-faint">{"".join(cells[1:])}</g><g class="f-ink">{cells[0]}</g>')
    end = x + step * layout.block
    parts.append(f'<text x="{end + 8:g}" y="{y + 16:g}">{escape(layout.extent)}</text>')
    end += 8 + CHARACTER * len(layout.extent)
    return "".join(parts), end, first


def _elements(count: int, x: float, y: float, step: float) -> Iterator[str]:
    for n in range(count):
        yield f'<rect x="{x + n * step:g}" y="{y:g}" width="{step:g}" height="{STRIP}"/>'


def _leads(element: tuple[float, float, float], left: float, right: float, y: float) -> str:
    """Draw the lines from an element of the block to its bits."""
    first, last, bottom = element
    lines = f"M{first:g} {bottom:g}L{left:g} {y:g}M{last:g} {bottom:g}L{right:g} {y:g}"
    return f'<path class="f-lead" d="{lines}"/>'


_STYLE = """\
text { font: 11.5px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); }
.f-title { font-weight: 700; font-size: 13px; fill: var(--ink); }
.f-bit, .f-code { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); }
.f-bit, .f-name { text-anchor: middle; }
.f-name { font-size: 10.5px; }
.f-point { fill: var(--ink); }
.f-lead { stroke: var(--line); fill: none; }
rect { stroke-width: 1.1px; }
.f-faint rect { fill: var(--panel); stroke: var(--line); }
.f-ink rect { fill: var(--panel); stroke: var(--ink); }
.f-red rect { fill: var(--red); fill-opacity: 0.15; stroke: var(--red); }
.f-green rect { fill: var(--green); fill-opacity: 0.15; stroke: var(--green); }
.f-blue rect { fill: var(--blue); fill-opacity: 0.15; stroke: var(--blue); }
.f-purple rect { fill: var(--purple); fill-opacity: 0.15; stroke: var(--purple); }
.f-orange rect { fill: var(--orange); fill-opacity: 0.18; stroke: var(--orange); }
"""
