"""Draw the plot of docs/binary.md and fill in its table, from the benchmark's results.

python -m tools.draw_binary      # writes docs/images/binary-accuracy.svg and docs/binary.md
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools import tables

from bitwright.files import write_whole
from bitwright.report.palette import LIGHT
from bitwright.report.plot import alone, as_svg, drawing, rounded

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/binary.md"
PICTURE = ROOT / "docs/images/binary-accuracy.svg"
RESULTS = ROOT / "benchmarks/results/binary_train.json"
COLUMNS = (
    *("network", "weights", "accuracy, %", "published, %", "difference"),
    *("epochs", "minutes", "seed"),
)


def title(row: Mapping[str, Any]) -> str:
    """The network's name as FINN writes it."""
    return str(row["name"]).upper().replace("-", " ")


def picture(results: Mapping[str, Any]) -> str:
    """Wrong answers of each network, beside those of the published one: logarithmic."""
    rows = results["networks"]
    with drawing(0.35 * len(rows) + 0.9, 8.4) as figure:
        axis = figure.subplots()
        for place, row in enumerate(rows):
            published, found = 100 - row["published"], 100 - row["accuracy"]
            axis.plot([published, found], [place, place], color=LIGHT["line"], linewidth=2)
            axis.plot(published, place, "o", markersize=6, color=LIGHT["muted"])
            axis.plot(found, place, "D", markersize=7, color=LIGHT["blue"])
            axis.annotate(
                f"{row['accuracy']:.2f} %",
                (min(published, found), place),
                textcoords="offset points",
                xytext=(-10, 0),
                ha="right",
                va="center",
                color=LIGHT["ink"],
            )
        least = min(100 - max(row["published"], row["accuracy"]) for row in rows)
        axis.set_xscale("log")
        axis.set_xlim(left=0.7 * least)
        axis.set_xticks([1, 2, 5], ["1", "2", "5"])
        axis.minorticks_off()
        axis.set_yticks(range(len(rows)), [title(row) for row in rows])
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_xlabel("wrong answers, % of the test images: ours (diamond), published (dot)")
        return alone(as_svg(figure, "binary-accuracy"))


def table(results: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the table."""
    yield from tables.heading(COLUMNS)
    for row in results["networks"]:
        width = row["width"]
        cells = (
            title(row),
            f"{784 * width + 2 * width * width + 10 * width:,}",
            f"{row['accuracy']:.2f}",
            f"{row['published']:.2f}",
            f"{row['difference']:+.2f}",
            str(row["first_stage"] + row["epochs"]),
            f"{row['minutes']:.0f}",
            str(row["seed"]),
        )
        yield tables.row(cells)


def filled(page: str, results: Mapping[str, Any]) -> str:
    """The page with its table as the results have it."""
    return tables.filled(page, {"networks": table(results)})


def main() -> int:
    """Draw and fill in."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    results = json.loads(RESULTS.read_text())
    write_whole(PICTURE, rounded(picture(results)))
    write_whole(PAGE, filled(PAGE.read_text(), results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
