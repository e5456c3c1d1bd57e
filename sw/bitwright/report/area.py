"""Who takes the LUTs, flip-flops, multipliers and memories of a chip, as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bitwright.report.document import document

Row = tuple[str, Mapping[str, int]]
"""A module's name, and its counts by resource."""

MOST = 24
"""Modules with a row of their own; the smaller ones share the last."""
WIDTH, ROW, TOP, GAP = 1000, 21, 74, 16  # pixels
NUMBER = 46
"""Room of a bar's number, at the size `STYLE` gives it."""
CHARACTER = 6.7
"""Width of a character of a name."""
HUES = ("blue", "green", "orange", "purple")


def area_document(rows: Sequence[Row], title: str) -> str:
    """Give the picture as an SVG file of its own."""
    content = f'<text class="a-title" x="12" y="26">{escape(title)}</text>{_content(rows)}'
    return document(WIDTH, _height(rows), content, style=STYLE, title=title)


def area_figure(rows: Sequence[Row]) -> str:
    """Give the picture as an SVG element for a page that has `STYLE`."""
    return f'<svg viewBox="0 34 {WIDTH} {_height(rows) - 34}">{_content(rows)}</svg>'


def largest(rows: Sequence[Row], most: int = MOST) -> list[Row]:
    """Return the rows that are not empty by size, those beyond ``most`` added up.

    Size is the share of the resource that a row has most of.

    >>> largest([("a", {"luts": 1}), ("b", {"luts": 5}), ("c", {"luts": 2})], most=2)
    [('b', {'luts': 5}), ('2 smaller ones', {'luts': 3})]
    """
    totals = _totals(rows)

    def size(row: Row) -> float:
        return max(count / (totals[name] or 1) for name, count in row[1].items())

    ranked = sorted((row for row in rows if any(row[1].values())), key=size, reverse=True)
    if len(ranked) <= most:
        return ranked
    rest = ranked[most - 1 :]
    return [*ranked[: most - 1], (f"{len(rest)} smaller ones", _totals(rest))]


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    names = dict.fromkeys(name for _, counts in rows for name in counts)
    return {name: sum(counts.get(name, 0) for _, counts in rows) for name in names}


def _height(rows: Sequence[Row]) -> int:
    return TOP + ROW * len(largest(rows)) + 14


def _content(rows: Sequence[Row]) -> str:
    return "".join(_drawn(rows))


def _drawn(rows: Sequence[Row]) -> Iterator[str]:
    totals, shown = _totals(rows), largest(rows)
    start = 24 + CHARACTER * max(len(name) for name, _ in shown)
    column = (WIDTH - start) / len(totals)
    bottom = TOP + ROW * len(shown)
    for place, (name, total) in enumerate(totals.items()):
        x = start + place * column
        yield f'<text class="a-head" x="{x:.0f}" y="{TOP - 14}">{escape(name)} {total:,}</text>'
        yield f'<path class="a-axis" d="M{x:.0f} {TOP - 4}V{bottom}"/>'
    for line, (name, counts) in enumerate(shown):
        y = TOP + ROW * line
        yield f'<text class="a-name" x="{start - 10:.0f}" y="{y + 14}">{escape(name)}</text>'
        for place, (resource, total) in enumerate(totals.items()):
            count, x = counts.get(resource, 0), start + place * column
            if not count:
                continue
            longest = max(other.get(resource, 0) for _, other in shown)
            length = max(1.0, count / longest * (column - GAP - NUMBER))
            told = f"{name}: {count:,} of {total:,} {resource}, {count / total:.1%}"
            yield (
                f'<rect class="a-{HUES[place % len(HUES)]}" x="{x:.1f}" y="{y + 3}"'
                f' width="{length:.1f}" height="{ROW - 6}"><title>{escape(told)}</title></rect>'
                f'<text class="a-count" x="{x + length + 5:.1f}" y="{y + 14}">{count:,}</text>'
            )


STYLE = """\
.a-title { font: 600 13px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.a-head { font: 12px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); }
.a-name { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink);
  text-anchor: end; }
.a-count { font: 11px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); }
.a-axis { stroke: var(--line); fill: none; }
.a-blue { fill: var(--blue); } .a-green { fill: var(--green); }
.a-orange { fill: var(--orange); } .a-purple { fill: var(--purple); }
"""
