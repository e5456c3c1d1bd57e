"""Place and route from several seeds: the median is what the design gives, not the luckiest run."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitwright.synth.devices import Device
from bitwright.synth.flow import BUILD, place_and_route
from bitwright.synth.report import RouteReport
from bitwright.synth.tools import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The same netlist routed from several seeds."""

    runs: tuple[RouteReport, ...]
    """In the order of the seeds asked for."""

    @property
    def median(self) -> RouteReport:
        """The run with the median Fmax; of an even number, the lower of the two in the middle."""
        ranked = sorted(self.runs, key=lambda run: run.fmax_mhz)
        return ranked[(len(ranked) - 1) // 2]

    @property
    def fmax_mhz(self) -> float:
        """The median run's."""
        return self.median.fmax_mhz

    def to_json(self) -> str:
        """Return the median, Fmax of every seed, and the median run's report, as JSON."""
        return json.dumps(self.to_mapping(), indent=2)

    def to_mapping(self) -> dict[str, Any]:
        """Return what `to_json` encodes."""
        seeds = [
            {"seed": run.seed, "fmax_mhz": run.fmax_mhz, "seconds": run.seconds}
            for run in self.runs
        ]
        return {"fmax_mhz": self.fmax_mhz, "seeds": seeds, "median": self.median.to_mapping()}


def route_seeds(
    verilog: str,
    top: str,
    device: Device,
    seeds: Sequence[int],
    *,
    freq_mhz: float | None = None,
    build: Path = BUILD,
    on_progress: Progress | None = None,
    on_run: Callable[[RouteReport], None] | None = None,
) -> Sweep:
    """Route from every seed; ``on_run`` is given each result as it is there.

    Each run is kept on its own (see `place_and_route`): a sweep that was interrupted goes on where
    it was, and one of more seeds runs only the new ones.

    Raises:
        ValueError: no seeds, or one twice.
        SynthesisError: a tool is missing or failed, or the design does not fit.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be at least one, and different, got {list(seeds)}")
    runs = []
    for number, seed in enumerate(seeds, 1):

        def progress(text: str, prefix: str = f"seed {seed} ({number} of {len(seeds)})") -> None:
            if on_progress is not None:
                on_progress(f"{prefix}: {text}")

        run = place_and_route(
            verilog, top, device, freq_mhz=freq_mhz, seed=seed, build=build, on_progress=progress
        )
        runs.append(run)
        if on_run is not None:
            on_run(run)
    return Sweep(runs=tuple(runs))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of a count or a list.

    >>> parse_seeds("3"), parse_seeds("5,7"), parse_seeds("5,")
    ((1, 2, 3), (5, 7), (5,))

    Raises:
        ValueError: the text is neither.
    """
    try:
        numbers = tuple(int(part) for part in text.removesuffix(",").split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise ValueError(
            "seeds are a count (3 is seeds 1, 2 and 3) or a list (5,7; 5, for one) of numbers"
            f" from 1 on, got {text!r}"
        )
    return tuple(range(1, numbers[0] + 1)) if "," not in text else numbers
