"""What the demo prints of the figures it wrote."""

from typing import Any

from rich.console import Console
from rich.table import Table


def print_summary(figures: dict[str, Any], console: Console) -> None:
    """A row for each layer, and what the whole run was."""
    table = Table("layer", "kind", "shape", "MACs", "cycles", "model", "utilisation", box=None)
    for layer in figures["layers"]:
        table.add_row(
            layer["name"],
            layer["kind"],
            "x".join(map(str, layer["shape"])),
            str(layer["macs"]),
            str(layer["cycles_rtl"]),
            str(layer["cycles_model"]),
            _percent(layer["utilization"]),
        )
    console.print(table)
    filled = "no convolution fills the array"
    if figures["utilization"] is not None:
        filled = f"convolutions that fill the array use {_percent(figures['utilization'])} of it"
    console.print(
        f"{figures['images']} images, {figures['outputs_compared']} outputs of"
        f" {figures['layers_compared']} layers: {figures['mismatches']} differ;"
        f" {len(figures['cycle_errors'])} instructions' cycles differ from the model\n"
        f"accuracy: {_float(figures)}integer reference"
        f" {figures['accuracy_reference']:.2%}, RTL {_percent(figures['accuracy_rtl'], 2)}\n"
        f"{figures['sim_cycles_per_second'] or 0:,.0f} simulated cycles/s; {filled}\n"
        f"{_chip(figures)}",
        highlight=False,
        markup=False,
    )


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{share:.{digits}%}"


def _float(figures: dict[str, Any]) -> str:
    share = figures["accuracy_float"]
    return "" if share is None else f"float {share:.2%}, "


def _chip(figures: dict[str, Any]) -> str:
    chip = figures["silicon"]
    if missing := chip.get("missing"):
        return f"not routed: {missing}"
    counts = ", ".join(f"{figures[name]:,} {name}" for name in ("luts", "ffs", "dsps", "brams"))
    return f"{chip['design']} on {chip['device']}: {counts}, {figures['fmax_mhz']:g} MHz"
