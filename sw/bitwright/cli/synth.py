"""`bitwright synth`: the accelerator's resources on an FPGA, and its Fmax after routing."""

from pathlib import Path
from typing import Annotated

import typer


def synth(
    device: Annotated[
        str,
        typer.Option(
            help="ecp5-25f, ecp5-45f, ecp5-85f, ice40-up5k, ice40-hx8k, nexus-lifcl40 or"
            " gowin-gw2a18."
        ),
    ] = "ecp5-25f",
    arch: Annotated[
        Path | None,
        typer.Option(help="Architecture (.toml); the default accelerator if left out."),
    ] = None,
    route: Annotated[bool, typer.Option("--route", help="Place and route as well.")] = False,
    freq: Annotated[
        float | None,
        typer.Option(help="Clock to aim at, MHz (default: what is usual on the device)."),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(help="Of place and route: a count, or a list as 3,5; Fmax is the median."),
    ] = "1",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report to this file as well.")
    ] = None,
    svg_file: Annotated[
        Path | None, typer.Option("--svg", help="Write a picture of the area by module.")
    ] = None,
) -> None:
    """Synthesize the accelerator: LUTs, flip-flops, DSPs and block RAMs; with --route also Fmax.

    Results are kept in build/synth by content, each seed's of its own, so that an equal call only
    prints them again. The first call ever of a tool from PyPI compiles it, which takes tens of
    seconds.
    """
    from rich.console import Console

    from bitwright import synth as flow
    from bitwright.cli.silicon import area_table, clock_lines, path_table, resources_table
    from bitwright.files import write_whole
    from bitwright.isa import Architecture
    from bitwright.report.area import area_document

    target, chosen = flow.find_device(device), flow.parse_seeds(seeds)
    architecture = Architecture() if arch is None else Architecture.load(arch)
    title = f"architecture {architecture.name} ({architecture.hash:016x}) on {device}"
    # Names of folders and cells are printed whole, for whoever copies or greps them.
    out, work = Console(soft_wrap=True, highlight=False), Console(stderr=True)
    out.print(title)
    with work.status("generating the Verilog") as status:
        from bitwright.rtl import TOP, generate

        verilog = generate(architecture, target.family.technology)
        synthesis = flow.synthesize(
            verilog, TOP, target, on_progress=lambda now: status.update(f"yosys: {now}")
        )
    out.print(f"{synthesis.tool}, {synthesis.seconds:g} s, build/synth/{synthesis.digest}")
    written = synthesis.to_json()
    tree = flow.area_tree(synthesis.modules)
    if route:
        with work.status("nextpnr") as status:
            sweep = flow.route_seeds(
                verilog,
                TOP,
                target,
                chosen,
                freq_mhz=freq,
                on_progress=lambda now: status.update(f"nextpnr, {now}"),
                on_run=lambda run: out.print(
                    f"{run.tool}, seed {run.seed}, {run.fmax_mhz:g} MHz, {run.seconds:g} s,"
                    f" build/synth/{run.digest}"
                ),
            )
        median = sweep.median
        out.print(
            resources_table(target, synthesis.resources, median.resources, median.harness),
            *clock_lines(sweep),
            area_table(tree),
            sep="\n",
        )
        for clock in median.clocks:
            if clock.critical_path is not None:
                out.print(path_table(clock.critical_path))
        written = sweep.to_json()
    else:
        out.print(resources_table(target, synthesis.resources), area_table(tree), sep="\n")
    if json_file is not None:
        write_whole(json_file, written + "\n")
    if svg_file is not None:
        rows = [(branch.path or "(top)", branch.counts) for branch in tree]
        write_whole(svg_file, area_document(rows, title))
        out.print(str(svg_file), markup=False)
