"""What nextpnr says of the clocks: Fmax, and the slowest path module by module."""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A stretch of a path within one module."""

    module: str
    """Path of the instance, see `bitwright.synth.hierarchy`."""
    cells: int
    """Cells passed, the one it ends in included."""
    logic_ns: float
    """Inside cells, clock-to-output and set-up included."""
    routing_ns: float
    """On the wires that lead to these cells."""


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
    hops: tuple[Hop, ...]
    """The same, module by module, from the start to the end."""


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

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> "Clock":
        """Build from the decoded JSON."""
        path = values["critical_path"]
        if path is not None:
            hops = tuple(Hop(**hop) for hop in path["hops"])
            path = CriticalPath(**(path | {"hops": hops}))
        return cls(**(values | {"critical_path": path}))


def parse_clocks(report: str, owner: Callable[[str], str]) -> tuple[Clock, ...]:
    """Return every clock of nextpnr's report; ``owner`` tells the module of a cell."""
    parsed = json.loads(report)
    paths = {
        path["from"].removeprefix("posedge "): _critical_path(path["path"], owner)
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
    """Return the name of a clock without what pads and nextpnr's promotion of the net add.

    >>> clock_name("$glbnet$clk$TRELLIS_IO_IN"), clock_name("clk$SB_IO_IN_$glb_clk")
    ('clk', 'clk')
    >>> clock_name("clk_IB_I_O$glb_clk"), clock_name("clk_IBUF_I_O")
    ('clk', 'clk')
    """
    net = net.removeprefix("$glbnet$").removesuffix("$glb_clk")
    return re.sub(r"\$(TRELLIS_IO_IN|SB_IO_IN_?)$|_(IB|IBUF)_I_O$", "", net)


def _critical_path(steps: list[dict[str, Any]], owner: Callable[[str], str]) -> CriticalPath:
    delay, routing = _sum(steps), _sum(step for step in steps if step["type"] == "routing")
    first, last = steps[0]["from"], steps[-1]["to"]
    # A wire counts to the cell that it leads to.
    stretches = itertools.groupby(steps, lambda step: owner(step["to"]["cell"]))
    return CriticalPath(
        start=f"{first['cell']}.{first['port']}",
        end=f"{last['cell']}.{last['port']}",
        delay_ns=round(delay, 3),
        logic_ns=round(delay - routing, 3),
        routing_ns=round(routing, 3),
        hops=tuple(_hop(module, list(stretch)) for module, stretch in stretches),
    )


def _hop(module: str, steps: list[dict[str, Any]]) -> Hop:
    routing = _sum(step for step in steps if step["type"] == "routing")
    return Hop(
        module=module,
        cells=len({step["to"]["cell"] for step in steps}),
        logic_ns=round(_sum(steps) - routing, 3),
        routing_ns=round(routing, 3),
    )


def _sum(steps: Any) -> float:
    return sum(step["delay"] for step in steps)
