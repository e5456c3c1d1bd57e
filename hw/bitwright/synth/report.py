"""What synthesis and routing found, as data: parsed from the tools' JSON, written as ours."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bitwright.synth.devices import Device, Resources, find_device
from bitwright.synth.hierarchy import ModuleArea
from bitwright.synth.timing import Clock


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
    modules: tuple[ModuleArea, ...]
    """What each module instance takes; adds up to `resources`."""
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
        values["modules"] = tuple(
            ModuleArea(path=area["path"], resources=Resources(**area["resources"]))
            for area in values["modules"]
        )
        return cls(**values)


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
        return json.dumps(self.to_mapping(), indent=2)

    def to_mapping(self) -> dict[str, Any]:
        """Return what `to_json` encodes."""
        derived = {
            "synthesis": self.synthesis.to_mapping(),
            "fmax_mhz": self.fmax_mhz,
            "utilisation": self.utilisation,
        }
        return asdict(self) | derived

    @classmethod
    def from_json(cls, text: str) -> "RouteReport":
        """Return the inverse of `to_json`."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> "RouteReport":
        """Build from the decoded JSON."""
        derived = ("fmax_mhz", "utilisation")
        values = {key: value for key, value in values.items() if key not in derived}
        values["synthesis"] = SynthesisReport.from_mapping(values["synthesis"])
        for key in ("resources", "harness"):
            values[key] = Resources(**values[key])
        values["clocks"] = tuple(Clock.from_mapping(clock) for clock in values["clocks"])
        return cls(**values)


def utilisation(used: Resources, capacity: Resources) -> dict[str, float]:
    """Return used / capacity per resource, rounded to 4 digits; where there is none, the count."""
    there = asdict(capacity)
    return {name: round(count / (there[name] or 1), 4) for name, count in asdict(used).items()}


def parse_cells(stat: str) -> tuple[tuple[str, int], ...]:
    """Return the cell types and counts of yosys' `stat -json`, in alphabetical order."""
    cells = json.loads(stat)["design"]["num_cells_by_type"]
    # $scopeinfo is a note on where flattened cells came from, not a cell.
    return tuple(sorted((kind, count) for kind, count in cells.items() if kind != "$scopeinfo"))


def parse_routed_resources(report: str, device: Device, netlist: Resources) -> Resources:
    """Return the occupied sites of nextpnr's report; what it does not count, from the netlist."""
    sites = json.loads(report)["utilization"]
    counted = {name: sites[site]["used"] for name, site in device.family.sites.items()}
    return Resources(**(asdict(netlist) | counted))
