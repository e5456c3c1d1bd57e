"""Synthesis and routing as tables."""

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from bitwright.synth import Branch, CriticalPath, Device, Resources, Sweep


def resources_table(
    device: "Device",
    netlist: "Resources",
    routed: "Resources | None" = None,
    harness: "Resources | None" = None,
) -> "Table":
    """Lay out one row per resource; the share is the routed design's if there is one."""
    headings = ["resource", "netlist", *(["harness", "routed"] if routed else []), "there", "share"]
    table = _table(*headings)
    for name, there in asdict(device.capacity).items():
        counts = [getattr(part, name) for part in (netlist, harness, routed) if part is not None]
        style = "bold red" if counts[-1] > there else ""
        share = f"{counts[-1] / there:.1%}" if there else "-"
        table.add_row(name, *map(str, counts), str(there), share, style=style)
    return table


def area_table(tree: "tuple[Branch, ...]") -> "Table":
    """Lay out one row per module, what lies in it included."""
    table = _table("module", "instances", "luts", "ffs", "dsps", "brams")
    for branch in tree:
        counts = [str(count) if count else "" for count in asdict(branch.total).values()]
        table.add_row("  " * branch.depth + branch.name, str(branch.instances), *counts)
    return table


def path_table(path: "CriticalPath") -> "Table":
    """Lay out the critical path module by module."""
    table = _table("critical path through", "cells", "logic ns", "routing ns")
    for hop in path.hops:
        figures = (str(hop.cells), f"{hop.logic_ns:.2f}", f"{hop.routing_ns:.2f}")
        table.add_row(hop.module or "(top)", *figures)
    cells = str(sum(hop.cells for hop in path.hops))
    table.add_row("", cells, f"{path.logic_ns:.2f}", f"{path.routing_ns:.2f}")
    return table


def clock_lines(sweep: "Sweep") -> list[str]:
    """Tell each clock of the median run, what it does not count, and Fmax of every seed."""
    from bitwright.synth import find_device

    lines = []
    for clock in sweep.median.clocks:
        verdict = "met" if clock.met else "missed"
        lines.append(
            f"{clock.name}: Fmax {clock.fmax_mhz:g} MHz, target {clock.target_mhz:g} MHz {verdict}"
        )
    if untimed := find_device(sweep.median.synthesis.device).family.untimed:
        lines.append(f"Fmax is without {untimed}: nextpnr knows no delays of them on this chip")
    if len(sweep.runs) > 1:
        each = ", ".join(f"{run.seed}: {run.fmax_mhz:g}" for run in sweep.runs)
        lines.append(f"the median of {len(sweep.runs)} seeds, in MHz {each}")
    return lines


def _table(*headings: str) -> "Table":
    from rich.table import Table

    table = Table(*headings, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
