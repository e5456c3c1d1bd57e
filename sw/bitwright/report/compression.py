"""A recipe's run for people: a table, plots and JSON of what each step changed."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from bitwright.files import write_whole
from bitwright.report.page import count, percent
from bitwright.report.palette import DARK, LIGHT, variables
from bitwright.report.plot import HUES, as_svg, drawing

FIGURES, PAGE = "compression.json", "compression.html"


def save_compression(folder: Path, figures: Mapping[str, Any]) -> Path:
    """Write compression.json and compression.html; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FIGURES, json.dumps(figures, indent=2) + "\n")
    write_whole(folder / PAGE, render_compression(figures))
    return folder / PAGE


def render_compression(figures: Mapping[str, Any]) -> str:
    """The page of a recipe's run."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "count": count}
    resource = files("bitwright.report")
    template = environment.from_string(resource.joinpath("compression.html.j2").read_text("utf-8"))
    sensitivity = figures["findings"].get("sensitivity")
    return template.render(
        figures,
        style=Markup(
            f":root {{ {variables(LIGHT)} }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
            f"{resource.joinpath('style.css').read_text('utf-8')}"
        ),
        steps_svg=Markup(steps_figure(figures["steps"])),
        layers_svg=Markup(storage_figure(figures["steps"][-1]["layers"])),
        sensitivity_svg=Markup(sensitivity_figure(sensitivity)) if sensitivity else None,
    )


def steps_figure(steps: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy and stored size, from step to step."""
    from matplotlib.ticker import PercentFormatter

    places = range(len(steps))
    with drawing(0.34 * len(steps) + 1.0) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        left.plot(
            [step["accuracy"] for step in steps],
            places,
            color=LIGHT["blue"],
            marker="o",
            markersize=5,
        )
        left.xaxis.set_major_formatter(PercentFormatter(1, 1))
        left.set_xlabel("accuracy on the test images")
        left.margins(x=0.12)
        sizes = [step["bits"] / 8192 for step in steps]
        right.barh(places, sizes, 0.6, color=LIGHT["green"])
        for place, (size, step) in enumerate(zip(sizes, steps, strict=True)):
            right.annotate(
                f" {step['compression']:.1f}x", (size, place), va="center", color=LIGHT["ink"]
            )
        right.set_xlim(0, 1.12 * max(sizes))
        right.set_xlabel("parameters as stored, KiB")
        right.tick_params(axis="y", length=0)
        left.set_yticks(places, [step["step"] for step in steps])
        left.invert_yaxis()
        return as_svg(figure, "steps")


def storage_figure(layers: Sequence[Mapping[str, Any]]) -> str:
    """Bits of each layer as stored: the weights' indices, and what they share with the biases."""
    places = range(len(layers))
    with drawing(0.34 * len(layers) + 1.0) as figure:
        axis = figure.subplots()
        index = [layer["index_bits"] / 8192 for layer in layers]
        side = [layer["side_bits"] / 8192 for layer in layers]
        axis.barh(places, index, 0.6, color=LIGHT["blue"], label="weights")
        axis.barh(
            places, side, 0.6, left=index, color=LIGHT["orange"], label="scales, tables and biases"
        )
        for place, layer in enumerate(layers):
            axis.annotate(
                f" {layer['format']}, {layer['index_bits'] / layer['weights']:.2f} bits a weight",
                (index[place] + side[place], place),
                va="center",
                color=LIGHT["ink"],
            )
        axis.set_xlim(0, 1.4 * max(a + b for a, b in zip(index, side, strict=True)))
        axis.set_yticks(places, [layer["name"] for layer in layers])
        axis.invert_yaxis()
        axis.set_xlabel("KiB")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return as_svg(figure, "storage")


def sensitivity_figure(sensitivity: Mapping[str, Any]) -> str:
    """The harm each layer does in each format, alone; what the plan chose is ringed."""
    names, formats = list(sensitivity["harm"]), list(sensitivity["formats"])
    with drawing(3.4) as figure:
        axis = figure.subplots()
        for hue, fmt in zip(HUES, formats, strict=False):
            harm = [max(sensitivity["harm"][name][fmt], 1e-9) for name in names]
            axis.plot(harm, color=LIGHT[hue], marker="o", markersize=5, label=fmt)
        for place, name in enumerate(names):
            chosen = sensitivity["plan"][name]
            if chosen in sensitivity["harm"][name]:
                axis.plot(
                    place,
                    max(sensitivity["harm"][name][chosen], 1e-9),
                    marker="o",
                    markersize=11,
                    fillstyle="none",
                    color=LIGHT["ink"],
                )
        axis.set_yscale("log")
        axis.grid(True, axis="y")
        axis.set_xticks(range(len(names)), names, rotation=20, ha="right")
        axis.set_ylabel("divergence of the answers")
        axis.legend(ncols=len(formats))
        return as_svg(figure, "sensitivity")
