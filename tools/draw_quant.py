"""Draw the plots of docs/quantization.md and fill in its tables, from the benchmark's results.

A table of the page stands between the comments `<!-- table: NAME -->` and `<!-- end -->`, NAME
being an experiment's. The plot of a sensitivity analysis is made anew, on the digits network.

    python -m tools.draw_quant       # writes docs/images/quant-*.svg and docs/quantization.md
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from tools import tables

from bitwright.files import write_whole
from bitwright.report.compression import sensitivity_figure
from bitwright.report.palette import LIGHT
from bitwright.report.plot import alone, as_svg, drawing, rounded

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/quantization.md"
IMAGES = ROOT / "docs/images"
RESULTS = ROOT / "benchmarks/results/quant.json"


def comparison(experiment: Mapping[str, Any]) -> str:
    """Accuracy and divergence of each recipe: the mean of the seeds, and each seed as a dot."""
    rows = experiment["rows"]
    places = range(len(rows))
    with drawing(0.3 * len(rows) + 0.9, 8.4) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        for axis, key, factor in zip(axes, ("accuracy", "divergence"), (100, 1), strict=True):
            for place, row in zip(places, rows, strict=True):
                hue = "muted" if place == 0 else "blue"
                found = [factor * value for value in row[key]]
                axis.plot(found, [place] * len(found), "o", markersize=3.5, color=LIGHT["sky"])
                axis.plot(mean(found), place, "D", markersize=7, color=LIGHT[hue])
            axis.axvline(factor * mean(rows[0][key]), color=LIGHT["muted"], linewidth=0.7)
        axes[0].set_yticks(places, [row["label"] for row in rows])
        axes[0].set_xlabel("accuracy, %")
        axes[1].set_xscale("log")
        axes[1].set_xlabel("divergence of the answers from float's, nats")
        axes[0].set_ylim(len(rows) - 0.5, -0.5)
        return as_svg(figure, experiment["name"])


def table(experiment: Mapping[str, Any]) -> Iterator[str]:
    """The lines of an experiment's table."""
    found = f"float {_spread(experiment['float'], 100, 2)} %, {experiment['seeds']} seeds"
    yield f"*{experiment['network']} on {experiment['data']}; {experiment['budget']}; {found}*"
    yield ""
    yield "| | accuracy, % | divergence, nats | bits a weight | seconds |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for row in experiment["rows"]:
        cells = (
            row["label"],
            _spread(row["accuracy"], 100, 2),
            _spread(row["divergence"], 1, 4),
            f"{row['bits']:.2f}",
            f"{mean(row['seconds']):.1f}",
        )
        yield tables.row(cells)


def bars(results: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the table of what was asked for."""
    yield "| what | found | |"
    yield "| --- | ---: | --- |"
    for bar in results["bars"]:
        met = "met" if bar["met"] else "missed"
        yield tables.row((bar["text"], f"{bar['found']:.2f}", met))


def filled(page: str, results: Mapping[str, Any]) -> str:
    """The page with its tables as the results have them; experiments need no table there."""
    known = {one["name"]: list(table(one)) for one in results["experiments"]}
    known["bars"] = list(bars(results))
    return tables.filled(page, {name: known[name] for name in tables.names(page)})


def draw(folder: Path, results: Mapping[str, Any]) -> Iterator[Path]:
    """Write the pictures of the experiments; gives their paths."""
    for experiment in results["experiments"]:
        path = folder / f"quant-{experiment['name']}.svg"
        write_whole(path, rounded(alone(comparison(experiment))))
        yield path


def sensitivity() -> str:
    """The plot of a plan for the digits network, three bits a weight."""
    from bitwright.compress import train_reference
    from bitwright.compress.recipe import Calibrate, Context, Mixed
    from bitwright.compress.sharing import separate_input
    from bitwright.compress.state import State
    from bitwright.importers import export, import_program

    model, dataset = train_reference("digits")
    graph = separate_input(import_program(export(model, dataset.train.images[:2])))
    context = Context(dataset=dataset)
    state = Calibrate().apply(State.start(graph), context)
    finding = Mixed(budget=3.0).apply(state, context).findings["sensitivity"]
    return sensitivity_figure(finding)


def main() -> int:
    """Draw and fill in."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    results = json.loads(RESULTS.read_text())
    for path in draw(IMAGES, results):
        print(path)
    write_whole(IMAGES / "quant-sensitivity.svg", rounded(alone(sensitivity())))
    write_whole(PAGE, filled(PAGE.read_text(), results))
    return 0


def _spread(values: list[float], factor: float, digits: int) -> str:
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{factor * mean(values):.{digits}f} ± {factor * deviation:.{digits}f}"


if __name__ == "__main__":
    raise SystemExit(main())
