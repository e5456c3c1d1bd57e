"""Number formats on a map: signal-to-quantization-noise ratio against bits per element."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import product
from math import ceil, floor, isinf

from bitwright.arith import Quality
from bitwright.report.document import document

WIDTH, HEIGHT = 760, 460  # pixels
LEFT, RIGHT, TOP, BOTTOM = 62, 96, 44, 52
CHARACTER = 6.7
"""Width of a character of a label, at the size `_STYLE` gives it."""
LINE = 14
"""Height of a label's line."""
LIMIT_DB_PER_BIT = 6.0206
"""Of independent normally distributed numbers no coding has more: their rate-distortion bound."""
_TONES = ("blue", "orange", "green", "purple", "red")
_SLOTS = tuple(product((0, -13, 13, -26, 26, -39, 39), ("start", "end")))
"""Where a label may go: pixels down, and which of its ends is at the point."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def sqnr_figure(points: Sequence[Quality], title: str) -> str:
    """Give the picture as an SVG file of its own; exact formats lie on its upper edge."""
    chart = _Chart(points)
    content = "".join(
        (
            f'<text class="s-title" x="{LEFT}" y="24">{escape(title)}</text>',
            *chart.grid(),
            *chart.limit(),
            *chart.points(),
        )
    )
    return document(WIDTH, HEIGHT, content, style=_STYLE, title=title)


class _Chart:
    """The axes' scales, and what is drawn on them."""

    def __init__(self, qualities: Sequence[Quality]) -> None:
        self.qualities = sorted(qualities, key=lambda q: (q.bits_per_element, -q.sqnr_db, q.name))
        finite = [q.sqnr_db for q in qualities if not isinf(q.sqnr_db)] or [0.0]
        self.step = next(s for s in (5, 10, 20, 50, 100) if max(finite) - min(finite) <= 9 * s)
        self.low = self.step * floor(min(0.0, *finite) / self.step)
        self.high = self.step * (ceil((max(finite) + 1) / self.step))
        self.bits = ceil(max(q.bits_per_element for q in qualities) + 0.2)

    def x(self, bits: float) -> float:
        return LEFT + bits / self.bits * (WIDTH - LEFT - RIGHT)

    def y(self, sqnr_db: float) -> float:
        share = (min(sqnr_db, self.high) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self) -> Iterator[str]:
        right, bottom = self.x(self.bits), self.y(self.low)
        for bits in range(0, self.bits + 1, 1 + self.bits // 18):
            x = self.x(bits)
            yield f'<path class="s-grid" d="M{x:.1f} {TOP}V{bottom:.1f}"/>'
            yield f'<text class="s-tick" x="{x:.1f}" y="{bottom + 16:.1f}">{bits}</text>'
        for db in range(self.low, self.high + 1, self.step):
            y = self.y(db)
            yield f'<path class="s-grid" d="M{LEFT} {y:.1f}H{right:.1f}"/>'
            yield f'<text class="s-tick s-end" x="{LEFT - 7}" y="{y + 4:.1f}">{db}</text>'
        yield (
            f'<text class="s-axis" x="{(LEFT + right) / 2:.1f}" y="{HEIGHT - 14}">'
            "bits per element, shared parts included</text>"
        )
        middle = (TOP + bottom) / 2
        yield (
            f'<text class="s-axis" transform="translate(18 {middle:.1f}) rotate(-90)">'
            "SQNR, dB</text>"
        )

    def limit(self) -> Iterator[str]:
        bits = min(float(self.bits), self.high / LIMIT_DB_PER_BIT)
        if bits <= 0:
            return
        x, y = self.x(bits), self.y(bits * LIMIT_DB_PER_BIT)
        yield f'<path class="s-limit" d="M{self.x(0):.1f} {self.y(0):.1f}L{x:.1f} {y:.1f}"/>'
        yield (
            f'<text class="s-note" x="{x:.1f}" y="{max(y - 7, TOP - 6):.1f}">'
            "limit for normal data, 6.02 dB per bit</text>"
        )

    def points(self) -> Iterator[str]:
        centres = [(self.x(q.bits_per_element), self.y(q.sqnr_db)) for q in self.qualities]
        taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in centres]
        for n, (quality, (x, y)) in enumerate(zip(self.qualities, centres, strict=True)):
            exact = isinf(quality.sqnr_db)
            text = f"{quality.name} (exact)" if exact else quality.name
            told = "exact" if exact else f"{quality.sqnr_db:.2f} dB"
            down, anchor = _slot(x, y, len(text) * CHARACTER, taken)
            tone = _TONES[n % len(_TONES)]
            yield (
                f'<circle class="s-{tone}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"><title>'
                f"{escape(quality.name)}: {quality.bits_per_element:.3g} bits, {told}"
                "</title></circle>"
            )
            if abs(down) > LINE:
                side = 1 if anchor == "start" else -1
                line = f"M{x:.1f} {y:.1f}L{x + 7 * side:.1f} {y + down:.1f}"
                yield f'<path class="s-lead" d="{line}"/>'
            shift = 9 if anchor == "start" else -9
            yield (
                f'<text class="s-label s-{tone}" text-anchor="{anchor}" x="{x + shift:.1f}"'
                f' y="{y + down + 4:.1f}">{escape(text)}</text>'
            )


def _slot(x: float, y: float, width: float, taken: list[Box]) -> tuple[int, str]:
    """Choose the first place of a label that covers nothing, or else the first; note it."""
    boxes: dict[tuple[int, str], Box] = {}
    for down, anchor in _SLOTS:
        left = x + 8 if anchor == "start" else x - 8 - width
        boxes[down, anchor] = (left, y + down - LINE / 2, left + width, y + down + LINE / 2)
    free = (slot for slot, box in boxes.items() if _inside(box) and not _covers(box, taken))
    chosen = next(free, _SLOTS[0])
    taken.append(boxes[chosen])
    return chosen


def _inside(box: Box) -> bool:
    left, top, right, bottom = box
    return left > LEFT and right < WIDTH and top > TOP - LINE and bottom < HEIGHT - BOTTOM


def _covers(box: Box, others: list[Box]) -> bool:
    left, top, right, bottom = box
    return any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in others
    )


_STYLE = """\
text { font: 11px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); }
.s-title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.s-axis, .s-tick { text-anchor: middle; }
.s-tick.s-end, .s-note { text-anchor: end; }
.s-note { font-style: italic; }
.s-label { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; }
.s-grid { stroke: var(--line); fill: none; }
.s-limit { stroke: var(--muted); stroke-dasharray: 5 4; fill: none; }
.s-lead { stroke: var(--muted); stroke-width: 0.7px; fill: none; }
.s-blue { fill: var(--blue); } .s-orange { fill: var(--orange); } .s-green { fill: var(--green); }
.s-purple { fill: var(--purple); } .s-red { fill: var(--red); }
"""
