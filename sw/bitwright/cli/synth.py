"""`bitwright synth`: the accelerator's resources on an FPGA, and its Fmax after routing."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from bitwright.synth import Clock, Device, Resources


def synth(
    device: Annotated[
        str,
        typer.Option(help="ecp5-25f, ecp5-45f, ecp5-85f or ice40-up5k."),
    ] = "ecp5-25f",
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
    route: Annotated[bool, typer.Option("--route", help="Place and route as well.")] = False,
    freq: Annotated[
        float | None,
        typer.Option(help="Clock to aim at, MHz (default: 100 on ECP5, 24 on iCE40)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of place and route.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report to this file as well.")
    ] = None,
) -> None:
    """Synthesize the accelerator: LUTs, flip-flops, DSPs and block RAMs; with --route also Fmax.

    Results are kept in build/synth by content, so that an equal call only prints them again. The
    first call ever of a tool from PyPI compiles it, which takes tens of seconds.
    """
    from rich.console import Console

    from bitwright import synth as flow
    from bitwright.isa import Architecture

    target = flow.find_device(device)
    architecture = Architecture() if arch is None else Architecture.load(arch)
    work = Console(stderr=True)
    with work.status("generating the Verilog"):
        from bitwright.rtl import TOP, generate

        verilog = generate(architecture)
    with work.status(f"synthesizing for {device}"):
        synthesis = flow.synthesize(verilog, TOP, target)

    # Names of folders and cells are printed whole, for whoever copies or greps them.
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"architecture {architecture.name} ({architecture.hash:016x}) on {device}")
    out.print(f"{synthesis.tool}, {synthesis.seconds:g} s, build/synth/{synthesis.digest}")
    report: flow.SynthesisReport | flow.RouteReport = synthesis
    if route:
        with work.status(f"placing and routing on {device}: minutes for a large array"):
            routed = flow.place_and_route(verilog, TOP, target, freq_mhz=freq, seed=seed)
        kept = f"build/synth/{routed.digest}"
        out.print(f"{routed.tool}, seed {seed}, {routed.seconds:g} s, {kept}")
        out.print(_resources(target, synthesis.resources, routed.resources, routed.harness))
        for clock in routed.clocks:
            out.print(_clock(clock), markup=False)
        report = routed
    else:
        out.print(_resources(target, synthesis.resources))
    if json_file is not None:
        json_file.write_text(report.to_json() + "\n")


def _resources(
    device: "Device",
    netlist: "Resources",
    routed: "Resources | None" = None,
    harness: "Resources | None" = None,
) -> "Table":
    """Lay out one row per resource; the share is the routed design's if there is one."""
    from rich.table import Table

    headings = ["resource", "netlist", *(["harness", "routed"] if routed else []), "there", "share"]
    table = Table(*headings, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, there in asdict(device.capacity).items():
        counts = [getattr(part, name) for part in (netlist, harness, routed) if part is not None]
        share = counts[-1] / there
        style = "bold red" if share > 1 else ""
        table.add_row(name, *map(str, counts), str(there), f"{share:.1%}", style=style)
    return table


def _clock(clock: "Clock") -> str:
    """Return the lines about one clock."""
    verdict = "met" if clock.met else "missed"
    lines = f"{clock.name}: Fmax {clock.fmax_mhz:g} MHz, target {clock.target_mhz:g} MHz {verdict}"
    path = clock.critical_path
    if path is None:
        return lines
    return (
        f"{lines}\n  from {path.start}\n  to   {path.end}\n"
        f"  {path.delay_ns:g} ns: logic {path.logic_ns:g}, routing {path.routing_ns:g}"
    )
