"""The colours of a report, for a light and a dark page; the hues are Okabe and Ito's.

Eight hues that people with any colour vision tell apart; on the dark page each is lighter.
"""

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "panel": "#f5f7f9",
    "line": "#d5dbe1",
    "muted": "#59636e",
    "ink": "#1b2026",
    "blue": "#0072b2",
    "sky": "#7cc4ee",
    "orange": "#e69f00",
    "green": "#009e73",
    "red": "#c44f00",
    "purple": "#b65f93",
}
DARK: Mapping[str, str] = {
    "paper": "#12161b",
    "panel": "#1a2027",
    "line": "#343d48",
    "muted": "#9aa5b1",
    "ink": "#e7ebef",
    "blue": "#4ea7de",
    "sky": "#2a6a94",
    "orange": "#e9ab2a",
    "green": "#2fbf94",
    "red": "#ff8b4d",
    "purple": "#d98fbb",
}


def variables(colours: Mapping[str, str]) -> str:
    """CSS declarations of the colours as variables.

    >>> variables({"ink": "#000000"})
    '--ink: #000000;'
    """
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def themed(svg: str) -> str:
    """An SVG drawn in the light colours, with variables in their place: it follows the page."""
    for name, value in LIGHT.items():
        svg = svg.replace(value, f"var(--{name})")
    return svg
