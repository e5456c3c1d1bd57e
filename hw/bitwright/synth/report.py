"""What synthesis and routing found, as data: parsed from the tools' JSON, written as ours."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bitwright.synth.devices import Device, Family, Resources, find_device


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisReport:
    """The mapped netlist of one design."""

    top: str
    device: str
    digest: str
    """Stands for the Verilog, the device, the options and the tool; names the results' folder."""
    tool: str
    resources: Resources
    cells: tuple[tuple[str, int], ...]
    """Every cell type of the netlist with its count."""
    seconds: float
    """Time yosys took; a result from the cache keeps it."""

    @property
    def utilisation(self) -> dict[str, float]:
        """Share of the device per resource; above 1 the design does not fit."""
        return utilisation(self.resources, find_device(self.device).capacity)

    def to_json(self) -> str:
        """Return all fields and the utilisation, as JSON."""
        return json.dumps(self.to_mapping(), indent=2)

    def to_mapping(self) -> dict[str, Any]:
        """Return what `to_json` encodes."""
        return asdict(self) | {"cells": dict(self.cells), "utilisation": self.utilisation}

    @classmethod
    def from_json(cls, text: str) -> "SynthesisReport":
        """Return the inverse of `to_json`."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> "SynthesisReport":
        """Build from the decoded JSON."""
        values = {key: value for key, value in values.items() if key != "utilisation"}
        values["resources"] = Resources(**values["resources"])
        values["cells"] = tuple(values["cells"].items())
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The slowest path of a clock: from a flip-flop (or memory, multiplier) to the next."""

    start: str
    """Cell and port where it leaves."""
    end: str
    delay_ns: float
    logic_ns: float
    """Share of `delay_ns` inside cells, clock-to-output and set-up included."""
    routing_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Timing of one clock after routing."""

    name: str
    fmax_mhz: float
    target_mhz: float
    critical_path: CriticalPath | None
    """None where no path runs from the clock to itself."""

    @property
    def met(self) -> bool:
        """Tell whether the routed design runs at the target."""
        return self.fmax_mhz >= self.target_mhz


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """The routed design."""

    synthesis: SynthesisReport
    digest: str
    tool: str
    seed: int
    resources: Resources
    """What is occupied, the harness included."""
    harness: Resources
    """Cells of the harness that stands for the pins, see `bitwright.synth.harness`."""
    clocks: tuple[Clock, ...]
    seconds: float

    @property
    def fmax_mhz(self) -> float:
        """The slowest clock's."""
        return min(clock.fmax_mhz for clock in self.clocks)

    @property
    def utilisation(self) -> dict[str, float]:
        """Share of the device per resource, the harness included."""
        return utilisation(self.resources, find_device(self.synthesis.device).capacity)

    def to_json(self) -> str:
        """Return all fields, Fmax and the utilisation, as JSON."""
        derived = {
            "synthesis": self.synthesis.to_mapping(),
            "fmax_mhz": self.fmax_mhz,
            "utilisation": self.utilisation,
        }
        return json.dumps(asdict(self) | derived, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "RouteReport":
        """Return the inverse of `to_json`."""
        values = json.loads(text)
        for derived in ("fmax_mhz", "utilisation"):
            del values[derived]
        values["synthesis"] = SynthesisReport.from_mapping(values["synthesis"])
        for key in ("resources", "harness"):
            values[key] = Resources(**values[key])
        clocks = []
        for clock in values["clocks"]:
            path = clock.pop("critical_path")
            clocks.append(Clock(**clock, critical_path=path and CriticalPath(**path)))
        values["clocks"] = tuple(clocks)
        return cls(**values)


def utilisation(used: Resources, capacity: Resources) -> dict[str, float]:
    """Return used / capacity per resource, rounded to 4 digits."""
    there = asdict(capacity)
    return {name: round(count / there[name], 4) for name, count in asdict(used).items()}


def parse_cells(stat: str) -> tuple[tuple[str, int], ...]:
    """Return the cell types and counts of yosys' `stat -json`, in alphabetical order."""
    cells = json.loads(stat)["design"]["num_cells_by_type"]
    # $scopeinfo is a note on where flattened cells came from, not a cell.
    return tuple(sorted((kind, count) for kind, count in cells.items() if kind != "$scopeinfo"))


def count_resources(cells: tuple[tuple[str, int], ...], family: Family) -> Resources:
    """Return the sites that a netlist of these cells occupies before packing."""

    def total(weights: Mapping[str, int]) -> int:
        return sum(
            weight * count
            for beginning, weight in weights.items()
            for kind, count in cells
            # SB_DFF and SB_RAM40_4K stand for all their variants with enables, sets and edges.
            if kind.startswith(beginning)
        )

    return Resources(**{name: total(weights) for name, weights in family.weights.items()})


def parse_routed_resources(report: str, device: Device, netlist: Resources) -> Resources:
    """Return the occupied sites of nextpnr's report; what it does not count, from the netlist."""
    sites = json.loads(report)["utilization"]
    counted = {name: sites[site]["used"] for name, site in device.family.sites.items()}
    return Resources(**(asdict(netlist) | counted))


def parse_clocks(report: str) -> tuple[Clock, ...]:
    """Return every clock of nextpnr's report with its critical path."""
    parsed = json.loads(report)
    paths = {
        path["from"].removeprefix("posedge "): _critical_path(path["path"])
        for path in parsed["critical_paths"]
        if path["from"] == path["to"]
    }
    return tuple(
        Clock(
            name=clock_name(net),
            fmax_mhz=round(figures["achieved"], 2),
            target_mhz=figures["constraint"],
            critical_path=paths.get(net),
        )
        for net, figures in sorted(parsed["fmax"].items())
    )


def clock_name(net: str) -> str:
    """Return the name of a clock without what nextpnr adds when it promotes the net.

    >>> clock_name("$glbnet$clk$TRELLIS_IO_IN"), clock_name("clk$SB_IO_IN_$glb_clk")
    ('clk', 'clk')
    """
    net = net.removeprefix("$glbnet$").removesuffix("$glb_clk")
    return re.sub(r"\$(TRELLIS_IO_IN|SB_IO_IN_?)$", "", net)


def _critical_path(steps: list[dict[str, Any]]) -> CriticalPath:
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    delay = sum(step["delay"] for step in steps)
    first, last = steps[0]["from"], steps[-1]["to"]
    return CriticalPath(
        start=f"{first['cell']}.{first['port']}",
        end=f"{last['cell']}.{last['port']}",
        delay_ns=round(delay, 3),
        logic_ns=round(delay - routing, 3),
        routing_ns=round(routing, 3),
    )
