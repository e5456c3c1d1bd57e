"""What the report's plots share: their style, and their form as a part of a page."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bitwright.report.palette import LIGHT, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.4  # inches


@contextmanager
def figure_of(height: float) -> Iterator["Figure"]:
    """A figure of the report's style; it knows no window, and leaves no global state behind."""
    import matplotlib
    from matplotlib.figure import Figure

    ink, muted, line = LIGHT["ink"], LIGHT["muted"], LIGHT["line"]
    style: Any = {
        "svg.fonttype": "none",  # text stays text: it can be searched, and follows the page's font
        "svg.hashsalt": "bitwright",  # equal figures are equal files
        "font.size": 9,
        "font.family": "sans-serif",
        "text.color": ink,
        "axes.labelcolor": muted,
        "axes.edgecolor": line,
        "axes.grid": True,
        "axes.grid.axis": "x",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": line,
        "grid.linewidth": 0.6,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": muted,
        "ytick.labelcolor": ink,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(style):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def drawn(figure: "Figure", name: str) -> str:
    """The figure as an SVG element to put into a page; ``name`` keeps its ids apart."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # Its own style sheet would be the whole page's.
    text = re.sub(r"<(metadata|style).*?</\1>", "", text, flags=re.DOTALL)
    # The page gives width and font.
    text = re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"', r"\1", text)
    text = re.sub(r"font-family: [^;\"]*|(?<=px) 'DejaVu Sans'[^;\"]*", "", text)
    # Some ids hold addresses of objects: number those that are used, and leave out the others.
    used = dict.fromkeys(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    for number, old in enumerate(used):
        text = re.sub(
            rf'(\bid="|url\(#|href="#){re.escape(old)}(?=[)"])', rf"\1{name}-{number}", text
        )
    text = re.sub(rf' id="(?!{name}-\d+")[^"]*"', "", text)
    return themed(text)
