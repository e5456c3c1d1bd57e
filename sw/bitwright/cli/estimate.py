"""`bitwright estimate`: what an architecture would take on an ECP5, in an instant."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def estimate(
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
    device: Annotated[str, typer.Option(help="ecp5-25f, ecp5-45f or ecp5-85f.")] = "ecp5-85f",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate LUTs, flip-flops, DSPs and block RAMs without synthesizing.

    The interval is by the largest miss of the model in predicting one of its runs from the others;
    an extrapolation beyond the runs has none.
    """
    from bitwright import synth
    from bitwright.isa import Architecture
    from bitwright.synth.cost import shipped_model

    target = synth.find_device(device)
    if target.family is not synth.ECP5:
        raise ValueError(f"costs are known for the ECP5 alone, not for {device}")
    architecture = Architecture() if arch is None else Architecture.load(arch)
    model = shipped_model()
    found = model.estimate(architecture)
    counts, there = asdict(found.resources), asdict(target.capacity)
    low, high = (
        dict.fromkeys(counts) if end is None else asdict(end) for end in (found.low, found.high)
    )
    if as_json:
        rows = {
            name: {"estimate": n, "low": low[name], "high": high[name], "there": there[name]}
            for name, n in counts.items()
        }
        told = {
            "architecture": architecture.name,
            "architecture_hash": f"{architecture.hash:016x}",
            "device": device,
            "tool": model.tool,
            "runs": len(model.runs),
            "beyond": found.beyond,
        }
        typer.echo(json.dumps(told | rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"architecture {architecture.name} ({architecture.hash:016x}) on {device}")
    table = Table("resource", "estimate", "low", "high", "there", "share", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, n in counts.items():
        style = "bold red" if n > there[name] else ""
        ends = ("-" if end is None else str(end) for end in (low[name], high[name]))
        table.add_row(name, str(n), *ends, str(there[name]), f"{n / there[name]:.1%}", style=style)
    console.print(table)
    console.print(f"fitted to {len(model.runs)} runs of {model.tool}")
    if found.beyond:
        console.print(f"extrapolated: no run had as many {', '.join(found.beyond)}")
