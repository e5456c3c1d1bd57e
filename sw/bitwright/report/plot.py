"""Plots of the report's style: matplotlib into SVG that follows the page's colours."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bitwright.report.palette import DARK, LIGHT, themed, variables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.4  # inches
DECIMALS = 4
"""Of a coordinate in a committed picture: more is noise of the machine."""
HUES = ("blue", "orange", "green", "purple", "sky", "red")


@contextmanager
def drawing(height: float, width: float = WIDTH) -> Iterator["Figure"]:
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
        yield Figure(figsize=(width, height), layout="constrained")


def as_svg(figure: "Figure", name: str) -> str:
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


def alone(svg: str) -> str:
    """The element as a file of its own, light or dark as the viewer is."""
    style = (
        f"<style>svg {{ {variables(LIGHT)} font-family: ui-sans-serif, system-ui, sans-serif }}\n"
        f"@media (prefers-color-scheme: dark) {{ svg {{ {variables(DARK)} }} }}</style>"
        '<rect width="100%" height="100%" style="fill: var(--paper)"/>'
    )
    return re.sub(r"^(<svg [^>]*>)", rf"\1{style}", svg) + "\n"


def rounded(svg: str) -> str:
    """With coordinates of four decimals: equal pictures on every machine.

    >>> rounded("M 1.123456 2.5")
    'M 1.1235 2.5'
    """
    return re.sub(r"\d+\.\d{5,}", lambda found: f"{float(found[0]):.{DECIMALS}f}", svg)
