"""Verilog to resources and Fmax, through yosys and nextpnr, with every result kept by content."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path

from bitwright.synth import cache, report, tools
from bitwright.synth.boxes import box_verilog, hide, reveal
from bitwright.synth.devices import Device, Resources
from bitwright.synth.harness import HARNESS, INSTANCE, harness_verilog, read_ports
from bitwright.synth.hierarchy import Hierarchy, count_resources
from bitwright.synth.report import RouteReport, SynthesisReport
from bitwright.synth.timing import parse_clocks
from bitwright.synth.tools import Progress, SynthesisError

BUILD = Path("build/synth")
"""Where results are kept, one folder per digest, relative to the working directory."""

# Part of every digest: raise it when the scripts below change what the tools are asked.
_REVISION = 5


class DoesNotFitError(SynthesisError):
    """The design needs more of something than the device has."""


def synthesize(
    verilog: str,
    top: str,
    device: Device,
    *,
    build: Path = BUILD,
    on_progress: Progress | None = None,
) -> SynthesisReport:
    """Map module ``top`` of the Verilog text to the device's cells and count them.

    The folder ``build/<digest>/`` then holds `design.v`, `netlist.json`, `yosys.log` and
    `report.json`; an equal call later, for any device of the family, reads the report from there.
    A design that does not fit is reported, not refused.

    Raises:
        SynthesisError: yosys is missing or failed; carries the lines that matter.
        ValueError: ``top`` is not a plain identifier.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", top):
        raise ValueError(f"the top module's name must be a plain identifier, got {top!r}")
    yosys = tools.find_program("yosys")
    digest = cache.digest_of(
        "synthesize", _REVISION, verilog, top, device.family.netlist_command, yosys.identity
    )
    folder = build / digest
    if not folder.is_dir():
        with cache.new_folder(folder) as working:
            (working / "design.v").write_text(verilog)
            (working / "boxes.v").write_text(box_verilog(device.family.boxed))
            for path in device.family.maps:
                text = files("bitwright.synth").joinpath("maps", path).read_text()
                (working / path).write_text(text)
            (working / "synth.ys").write_text(_synthesis_script(top, device))
            seconds = tools.run(yosys, ["synth.ys"], working, "yosys.log", on_progress)
            cells = report.parse_cells((working / "stat.json").read_text())
            written = SynthesisReport(
                top=top,
                device=device.name,
                digest=digest,
                tool=yosys.identity,
                resources=count_resources(cells, device.family),
                cells=cells,
                modules=read_hierarchy(working / "netlist.json", top).areas(device.family),
                seconds=round(seconds, 1),
            )
            (working / "report.json").write_text(written.to_json())
    kept = SynthesisReport.from_json((folder / "report.json").read_text())
    return replace(kept, device=device.name)


def place_and_route(
    verilog: str,
    top: str,
    device: Device,
    *,
    freq_mhz: float | None = None,
    seed: int = 1,
    clock: str = "clk",
    build: Path = BUILD,
    on_progress: Progress | None = None,
) -> RouteReport:
    """Synthesize, put the netlist into the harness of four pins, place and route it.

    ``freq_mhz`` is the clock to aim at (the device's own target if None); missing it is no error,
    `Clock.met` tells. Results vary with ``seed`` by some per cent: compare medians, not the best.
    The folder ``build/<digest>/`` then holds `routed.json`, logs and `report.json`.

    Raises:
        DoesNotFitError: the netlist exceeds the device, known before placement starts.
        SynthesisError: a tool is missing or failed; carries the lines that matter.
        ValueError: the top has no clock of that name, no outputs, or bidirectional ports.
    """
    target = device.target_mhz if freq_mhz is None else freq_mhz
    if target <= 0:
        raise ValueError(f"the clock to aim at must be above 0 MHz, got {target:g}")
    synthesis = synthesize(verilog, top, device, build=build, on_progress=on_progress)
    check_fit(synthesis.resources, device)
    nextpnr = tools.find_program(device.family.nextpnr)
    digest = cache.digest_of(
        "route", _REVISION, synthesis.digest, clock, nextpnr.identity, device.nextpnr_arguments,
        target, seed,
    )  # fmt: skip
    folder = build / digest
    if not folder.is_dir():
        harnessed = _harnessed(synthesis, device, clock, build, on_progress)
        cells = report.parse_cells((harnessed / "stat.json").read_text())
        netlist_use = count_resources(cells, device.family)
        with cache.new_folder(folder) as working:
            arguments = [*device.nextpnr_arguments, "--json", f"../{harnessed.name}/harnessed.json"]
            arguments += ["--report", "nextpnr.json", "--write", "routed.json"]
            arguments += ["--freq", f"{target:g}", "--seed", str(seed), "--timing-allow-fail"]
            arguments += _pinned(device, working)
            seconds = tools.run(nextpnr, arguments, working, "nextpnr.log", on_progress)
            found = (working / "nextpnr.json").read_text()
            clocks = parse_clocks(found, _owner(build / synthesis.digest, top))
            if not clocks:
                raise SynthesisError(f"{top}: no timed path between registers, and so no Fmax")
            written = RouteReport(
                synthesis=synthesis,
                digest=digest,
                tool=nextpnr.identity,
                seed=seed,
                resources=report.parse_routed_resources(found, device, netlist_use),
                harness=netlist_use - synthesis.resources,
                clocks=clocks,
                seconds=round(seconds, 1),
            )
            (working / "report.json").write_text(written.to_json())
    return RouteReport.from_json((folder / "report.json").read_text())


def check_fit(used: Resources, device: Device) -> None:
    """Raise DoesNotFitError naming every resource of which the device has too little."""
    there = asdict(device.capacity)
    missing = [
        f"{count} {name} needed, {there[name]} there"
        for name, count in asdict(used).items()
        if count > there[name]
    ]
    if missing:
        raise DoesNotFitError(
            f"the design does not fit {device.name}: {'; '.join(missing)}; "
            "choose a larger device or a smaller architecture"
        )


def read_hierarchy(netlist: Path, top: str) -> Hierarchy:
    """Read which module instance owns which cell from a netlist written by yosys as JSON."""
    return Hierarchy(json.loads(netlist.read_text())["modules"][top])


def _harnessed(
    synthesis: SynthesisReport,
    device: Device,
    clock: str,
    build: Path,
    on_progress: Progress | None,
) -> Path:
    """Return the folder with the netlist in its harness: one for all seeds and devices."""
    yosys, top = tools.find_program("yosys"), synthesis.top
    digest = cache.digest_of("harness", _REVISION, synthesis.digest, clock, yosys.identity)
    folder = build / digest
    if not folder.is_dir():
        ports = read_ports(build / synthesis.digest / "netlist.json", top)
        wrapper = harness_verilog(top, ports, clock)
        with cache.new_folder(folder) as working:
            (working / "harness.v").write_text(wrapper)
            (working / "harness.ys").write_text(_harness_script(top, device, synthesis.digest))
            tools.run(yosys, ["harness.ys"], working, "yosys.log", on_progress)
    return folder


def _pinned(device: Device, folder: Path) -> tuple[str, ...]:
    """Write the harness' pins where nextpnr does not choose them; return its switches for them."""
    form = device.family.pin_file
    if form is None:
        return ()
    lines = (form.line.format(port=port, pin=pin) for port, pin in device.pins.items())
    (folder / form.name).write_text("\n".join((*lines, "")))
    return form.arguments


def _owner(folder: Path, top: str) -> Callable[[str], str]:
    """Return what tells the module of a cell of the harnessed netlist."""
    hierarchy = read_hierarchy(folder / "netlist.json", top)

    def owner(cell: str) -> str:
        inside = cell.removeprefix(f"{INSTANCE}.")
        return HARNESS if inside == cell else hierarchy.owner(inside)

    return owner


def _synthesis_script(top: str, device: Device) -> str:
    boxed, command = device.family.boxed, device.family.netlist_command
    mends = "".join(f"{line}\n" for line in device.family.mends)
    # Without the cleaning, which leaves each net one name, abc9 fails on instantiated carry chains:
    # "Assert `GetSize(conn.first) == GetSize(conn.second)' failed" (yosys 0.70). The notes of where
    # modules were must outlive it.
    return f"""\
read_verilog boxes.v
read_verilog -sv design.v
{hide(boxed)}\
{command} -top {top} -run begin:map_luts
setattr -set keep 1 t:$scopeinfo
opt_clean -purge
{command} -top {top} -run map_luts:
{reveal(boxed)}\
{mends}\
tee -q -o stat.json stat -json
write_json netlist.json
"""


def _harness_script(top: str, device: Device, digest: str) -> str:
    # The netlist waits aside while the harness is mapped around an empty box of its name.
    return f"""\
read_json ../{digest}/netlist.json
design -stash mapped
read_verilog harness.v
{device.family.yosys_command} -top {HARNESS}
delete ={top}
design -copy-from mapped -as {top} {top}
hierarchy -top {HARNESS}
flatten
clean
tee -q -o stat.json stat -json
write_json harnessed.json
"""
