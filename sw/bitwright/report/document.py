"""A drawing as an SVG file of its own."""

from html import escape

from bitwright.report.palette import DARK, LIGHT, variables

_STYLE = (
    f"svg {{ {variables(LIGHT)} }}\n"
    f"@media (prefers-color-scheme: dark) {{ svg {{ {variables(DARK)} }} }}\n"
    ".w-paper { fill: var(--paper); }\n"
)


def document(width: int, height: int, content: str, *, style: str, title: str = "") -> str:
    """Give the file: ``content`` on paper, in colours that are light or dark as the viewer is.

    ``style`` and ``content`` name colours as variables, see `bitwright.report.palette`.
    """
    heading = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">{heading}<style>{_STYLE}{style}</style>\n'
        f'<rect class="w-paper" width="{width}" height="{height}"/>\n'
        f"{content}\n</svg>\n"
    )
