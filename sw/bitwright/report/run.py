"""A run's folder: its figures in `report.json`, what goes with them, and the page."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bitwright.compiler import Program
from bitwright.files import link_whole, write_whole
from bitwright.report.examples import Examples
from bitwright.report.page import render_page

FIGURES = "report.json"
NETWORK = "net.bw"
PROGRAM = "net.bwp"
PAGE = "report.html"

KEYS = (
    "data",
    "seed",
    "created",
    "images",
    "mismatches",
    "outputs_compared",
    "layers_compared",
    "divergence",
    "machine_error",
    "injected",
    "accuracy_float",
    "accuracy_reference",
    "accuracy_rtl",
    "cycles_model",
    "cycles_rtl",
    "cycle_errors",
    "utilization",
    "sim_cycles_per_second",
    "layers",
    "steps",
    "waveform",
    "luts",
    "ffs",
    "dsps",
    "brams",
    "fmax_mhz",
    "silicon",
    "architecture",
    "architecture_hash",
    "network_digest",
    "tools",
)
"""What a page needs of `report.json`."""


class ReportError(ValueError):
    """A folder that holds no run, or an incomplete one."""


def collect(
    program: Program,
    measured: Mapping[str, Any],
    *,
    data: str,
    seed: int,
    injected: str | None,
    accuracies: Mapping[str, float | None],
    waveform: Mapping[str, Any] | None,
    silicon: Mapping[str, Any],
    tools: Mapping[str, str | None],
) -> dict[str, Any]:
    """The content of `report.json`.

    Args:
        program: what ran.
        measured: what the simulation gave.
        data: name of the data set.
        seed: of the training.
        injected: name of the fault in the RTL.
        accuracies: ``accuracy_float``, None if no float network is at hand, and
            ``accuracy_reference``.
        waveform: ``file`` in the run's folder, its ``first`` and ``last`` cycle to show, the
            ``issue`` of the ``instruction`` it is about, the array's ``row``, and the ``moment``
            of a wrong output.
        silicon: ``luts``, ``ffs``, ``dsps``, ``brams`` and ``fmax_mhz`` of a routed design, and
            under ``silicon`` what it is and where that is from; or why it is ``missing``.
        tools: versions by name.
    """
    return {
        "data": data,
        "seed": seed,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **accuracies,
        **measured,
        "injected": injected,
        "waveform": waveform,
        **silicon,
        "architecture": json.loads(program.architecture.to_json()),
        "architecture_hash": f"{program.architecture.hash:016x}",
        "network_digest": program.network.digest,
        "tools": dict(tools),
    }


def save_run(
    folder: Path, program: Program, figures: Mapping[str, Any], examples: Examples
) -> Path:
    """Write a run's files and its page; returns the page's path.

    A waveform that ``figures["waveform"]["file"]`` names must lie in the folder already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program.network.save(folder / NETWORK)
    program.save(folder / PROGRAM)
    examples.save(folder)
    write_whole(folder / FIGURES, json.dumps(figures, indent=2) + "\n")
    return render_run(folder)


def render_run(folder: Path) -> Path:
    """Write the page of a run from the folder's files; returns its path.

    Raises:
        ReportError: the folder is not one of a run; the message says what is missing.
    """
    figures = load_figures(folder)
    wanted = (PROGRAM, "examples.npz", *(w["file"] for w in (figures["waveform"],) if w))
    for name in wanted:
        if not (folder / name).is_file():
            raise ReportError(f"{folder} has no {name}; `bitwright demo` writes the whole folder")
    page = render_page(
        figures,
        Program.load(folder / PROGRAM),
        Examples.load(folder),
        folder / figures["waveform"]["file"] if figures["waveform"] else None,
    )
    write_whole(folder / PAGE, page)
    return folder / PAGE


def load_figures(folder: Path) -> dict[str, Any]:
    """Read the folder's `report.json`; one that lacks a key is an error."""
    path = folder / FIGURES
    if not path.is_file():
        raise ReportError(f"{folder} is no run: it has no {FIGURES}; `bitwright demo` makes one")
    try:
        figures = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ReportError(f"{path} is not JSON: {error}") from None
    missing = [key for key in KEYS if not isinstance(figures, dict) or key not in figures]
    if missing:
        raise ReportError(
            f"{path} lacks {', '.join(missing)}: another version of bitwright wrote it;"
            " run `bitwright demo` again"
        )
    return dict(figures)


def mark_latest(folder: Path, link: Path = Path("runs/latest")) -> None:
    """Point ``link`` at the run's folder."""
    link_whole(link, folder)
