"""Draw the plot of docs/synthesis.md and fill in its tables, from the benchmark's results.

python -m tools.draw_silicon     # writes docs/images/silicon-networks.svg and docs/synthesis.md
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
PAGE = ROOT / "docs/synthesis.md"
PICTURE = ROOT / "docs/images/silicon-networks.svg"
RESULTS = ROOT / "benchmarks/results/silicon.json"
Sections = Mapping[str, Any]
ROUTED = (
    *("architecture", "device", "Fmax, MHz", "of each seed"),
    *("LUTs", "flip-flops", "DSPs", "block RAMs"),
)
ARRAYS = ("device", "array", "Fmax, MHz", "of each seed", "LUTs", "flip-flops", "DSPs", "GOPS")
NETWORKS = (
    *("network", "array", "inputs together", "cycles", "utilisation, %", "textbook, %"),
    *("of the run, %", "inputs run", "outputs compared", "differ"),
)


def main() -> int:
    """Draw and fill in."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    sections = json.loads(RESULTS.read_text())["sections"]
    write_whole(PICTURE, rounded(picture(sections)))
    write_whole(PAGE, filled(PAGE.read_text(), sections))
    return 0


def filled(page: str, sections: Sections) -> str:
    """The page with its tables as the results have them."""
    known = {"routed": routed, "arrays": arrays, "networks": networks}
    return tables.filled(page, {n: known[n](sections) for n in known if n in sections})


def routed(sections: Sections) -> Iterator[str]:
    """Whole accelerators."""
    yield from tables.heading(ROUTED)
    for name, run in sections["routed"].items():
        if name != "measured":
            of = (f"`{run['architecture']}`", f"`{run['device']}`")
            yield tables.row((*of, *_clock(run), *_counts(run["netlist"])))


def arrays(sections: Sections) -> Iterator[str]:
    """The largest arrays, beside those of inferred multiplier blocks alone."""
    yield from tables.heading(ARRAYS)
    for device, runs in sections["arrays"].items():
        if device == "measured":
            continue
        for kind in ("mapped", "inferred"):
            run = runs[kind]
            rows, columns = run["shape"]["rows"], run["shape"]["columns"]
            luts, ffs, dsps, _ = _counts(run["netlist"])
            size, gops = f"{rows}x{columns}, {kind}", f"{run['gops']:.1f}"
            yield tables.row((f"`{device}`", size, *_clock(run), luts, ffs, dsps, gops))


def networks(sections: Sections) -> Iterator[str]:
    """The zoo on arrays of both sizes."""
    yield from tables.heading(NETWORKS)
    for run in sections["networks"]["networks"]:
        shares = (f"{100 * run[key]:.1f}" for key in ("utilisation", "textbook", "utilisation_run"))
        yield tables.row(
            (
                *(run["network"], run["array"], str(run["batch"]), f"{run['cycles']:,}", *shares),
                *(str(run["inputs"]), f"{run['outputs_compared']:,}", str(run["differing"])),
            )
        )


def picture(sections: Sections) -> str:
    """Utilisation of each network: the textbook's, one input at a time, and in batches."""
    runs = sections["networks"]["networks"]
    sizes = list(dict.fromkeys(run["array"] for run in runs))
    names = list(dict.fromkeys(run["network"] for run in runs))
    with drawing(0.32 * len(names) + 0.9, 8.4) as figure:
        axes = figure.subplots(1, len(sizes), sharey=True)
        for axis, size in zip(axes, sizes, strict=True):
            for place, name in enumerate(names):
                of = [run for run in runs if (run["network"], run["array"]) == (name, size)]
                shares = [100 * run["utilisation"] for run in of]
                textbook = 100 * of[0]["textbook"]
                reach = [min(textbook, *shares), max(textbook, *shares)]
                axis.plot(reach, [place, place], color=LIGHT["line"], linewidth=2)
                axis.plot(textbook, place, "o", markersize=6, color=LIGHT["muted"])
                axis.plot(shares[0], place, "o", markersize=6, color=LIGHT["sky"])
                axis.plot(shares[-1], place, "D", markersize=7, color=LIGHT["blue"])
            axis.set_title(size)
            axis.set_xlim(0, 105)
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.set_yticks(range(len(names)), names)
        figure.supxlabel(
            "utilisation, %: textbook (grey), one input (light), inputs together (diamond)",
            fontsize="medium",
        )
        return alone(as_svg(figure, "silicon-networks"))


def _clock(run: Mapping[str, Any]) -> tuple[str, str]:
    return f"{run['fmax_mhz']:.1f}", ", ".join(f"{mhz:.1f}" for mhz in run["seeds"].values())


def _counts(netlist: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(f"{netlist[key]:,}" for key in ("luts", "ffs", "dsps", "brams"))


if __name__ == "__main__":
    raise SystemExit(main())
