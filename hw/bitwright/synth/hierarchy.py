"""Which module of the RTL a cell of the flattened netlist belongs to, and the area by module.

Synthesis flattens the design, because what crosses a border is then optimised too; the counts of
a hierarchical run would not be those of the netlist that is routed. What tells where a cell came
from, most certain first:

1. the line of the design that it implements, which flip-flops, carries and multipliers keep; not
   where several instances share a module, but Amaranth writes one module per instance;
2. its name: yosys names a LUT after the register or memory that it feeds, so it goes where that is;
3. the module whose path its name begins with.

Every cell has exactly one owner, so the areas of the modules add up to that of the netlist. Logic
at a border is with the side whose register it feeds.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bitwright.synth.devices import Family, Resources

_NOTE = "$scopeinfo"
"""Yosys' note on a module instance that was flattened; not a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleArea:
    """What one module instance takes, without the instances in it."""

    path: str
    """Instance names from the top down, joined by dots; empty for the top itself."""
    resources: Resources


class Hierarchy:
    """The module instances of a flattened netlist, as owners of its cells."""

    def __init__(self, module: Mapping[str, Any], design: str = "design.v") -> None:
        """Read one module of yosys' JSON; ``design`` names the file whose lines count."""
        cells = module["cells"]
        self._line = re.compile(rf"(?:^|\|){re.escape(design)}:(\d+)")
        notes = {name: cell for name, cell in cells.items() if cell["type"] == _NOTE}
        self.paths = frozenset({"", *notes})
        self._lines = _lines_by_instance(notes, self._line)
        self.kinds = {name: cell["type"] for name, cell in cells.items() if name not in notes}
        """Type of every cell, by name."""
        self._anchored: dict[str, str] = {}
        for name in self.kinds:
            owner = self._by_line(cells[name]["attributes"].get("src", ""))
            if owner is not None:
                self._anchored[name] = owner

    def owner(self, cell: str) -> str:
        """Return the path of the instance that a cell belongs to.

        What place and route appends to a name (``..._LC``, ``...$CCU2_COMB0``) does no harm.
        """
        for end in (len(cell), *(match.start() for match in reversed([*_JOINTS.finditer(cell)]))):
            if (found := self._anchored.get(cell[:end])) is not None:
                return found
        path = cell
        while path not in self.paths:
            path = path.rpartition(".")[0]
        return path

    def areas(self, family: Family) -> tuple[ModuleArea, ...]:
        """Return the area of every instance that has cells of its own, in order of the paths."""
        owned: dict[str, Counter[str]] = {}
        for name, kind in self.kinds.items():
            owned.setdefault(self.owner(name), Counter())[kind] += 1
        return tuple(
            ModuleArea(path=path, resources=count_resources(owned[path].items(), family))
            for path in sorted(owned)
        )

    def _by_line(self, source: str) -> str | None:
        match = self._line.search(source)
        return self._lines.get(int(match[1]), "") if match else None


def count_resources(cells: Iterable[tuple[str, int]], family: Family) -> Resources:
    """Return the sites that a netlist of these cells occupies before packing."""
    cells = tuple(cells)

    def total(weights: Mapping[str, int]) -> int:
        return sum(
            weight * count
            for beginning, weight in weights.items()
            for kind, count in cells
            # SB_DFF and SB_RAM40_4K stand for all their variants with enables, sets and edges.
            if kind.startswith(beginning)
        )

    return Resources(**{name: total(weights) for name, weights in family.weights.items()})


def folded(path: str) -> str:
    """Return a path with the numbers of equal instances left out, and yosys' own.

    >>> folded("core.array.pe_3_0"), folded("core.parameters$254")
    ('core.array.pe_*', 'core.parameters')
    """
    path = re.sub(r"\$\d+", "", path)
    return re.sub(r"(_\d+)+(?=\.|$)", "_*", path)


_JOINTS = re.compile(r"[_$]")


def _lines_by_instance(
    notes: Mapping[str, Mapping[str, Any]], line: re.Pattern[str]
) -> dict[int, str | None]:
    """Map lines to the instance of their module, or None if it has several; the top's are left."""
    spans: dict[tuple[int, int], list[str]] = {}
    for path, note in notes.items():
        match = re.search(line.pattern + r"\.\d+-(\d+)", note["attributes"].get("module_src", ""))
        if match:
            spans.setdefault((int(match[1]), int(match[2])), []).append(path)
    return {
        number: paths[0] if len(paths) == 1 else None
        for (first, last), paths in spans.items()
        for number in range(first, last + 1)
    }
