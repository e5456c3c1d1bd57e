"""The report as one HTML page that needs nothing from elsewhere."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from bitwright.compiler import Program
from bitwright.report.area import STYLE as AREA_STYLE
from bitwright.report.area import area_figure
from bitwright.report.examples import MOST_WRONG, Examples, png
from bitwright.report.figures import banks_figure, layers_figure
from bitwright.report.palette import DARK, LIGHT, variables
from bitwright.report.roofline import points, roofline_figure
from bitwright.report.signals import signal_names, tile_picture, tile_rows
from bitwright.report.tenants import Step, owners, tenants
from bitwright.report.trace import read_trace
from bitwright.report.verdict import judge
from bitwright.report.waveform import STYLE, cycles, labels


def render_page(
    figures: Mapping[str, Any], program: Program, examples: Examples, waveform: Path | None
) -> str:
    """The page of a run, from its `report.json` and the files beside it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "count": count, "code": code, "png": png}
    architecture = program.architecture
    template = environment.from_string(_resource("report.html.j2"))
    return template.render(
        figures,
        verdict=judge(figures),
        style=Markup(
            f":root {{ {variables(LIGHT)} }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
            f"{_resource('style.css')}\n{STYLE}\n{AREA_STYLE}"
        ),
        layers_svg=Markup(layers_figure(figures["layers"], architecture)),
        roofline_svg=Markup(roofline_figure(points(program), architecture)),
        banks_svg=Markup(_banks(figures["steps"], program)) if figures["steps"] else None,
        area_svg=None if "missing" in figures["silicon"] else Markup(_area(figures["silicon"])),
        wave=None if waveform is None else _wave(figures["waveform"], waveform),
        examples=_shown(examples),
        most_wrong=MOST_WRONG,
    )


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent; nothing for None.

    >>> percent(0.9911, 2), percent(None)
    ('99.11 %', '')
    """
    return "" if share is None else f"{share * 100:.{digits}f} %"


def count(number: float | None) -> str:
    """A whole number with its thousands apart; nothing for None.

    >>> count(2135700)
    '2,135,700'
    """
    return "" if number is None else f"{number:,.0f}"


def code(value: int) -> str:
    """A code of 8 bits, bit by bit.

    >>> code(-2)
    '11111110'
    """
    return f"{value & 0xFF:08b}"


def _banks(steps: list[dict[str, int]], program: Program) -> str:
    timed = [Step(begin=step["begin"], end=step["end"]) for step in steps]
    found = tenants(program, timed)
    return banks_figure(found, timed, owners(program), program.architecture.bank_bytes)


def _area(silicon: Mapping[str, Any]) -> str:
    return area_figure([(name, counts) for name, counts in silicon["modules"]])


def _wave(window: Mapping[str, Any], path: Path) -> dict[str, Any]:
    from markupsafe import Markup

    rows = tile_rows(window["row"])
    trace = read_trace(path, signal_names(rows)).cut(window["first"], window["last"])
    picture = tile_picture(trace, rows, window["issue"], window["moment"])
    return {"labels": Markup(labels(picture)), "cycles": Markup(cycles(picture))}


def _shown(examples: Examples) -> list[dict[str, Any]]:
    return [
        {
            "index": int(examples.index[n]),
            "pixels": examples.pixels[n],
            "label": int(examples.labels[n]),
            "answer": int(examples.answers[n]),
        }
        for n in range(len(examples.index))
    ]


def _resource(name: str) -> str:
    return files("bitwright.report").joinpath(name).read_text(encoding="utf-8")
