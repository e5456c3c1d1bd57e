"""Waveforms of a chosen moment.

The machine is deterministic: an image is run once to learn when things happen, and once more, from
the same reset, with the waveform open around the moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import Program
from bitwright.isa import timing
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.sim.divergence import Divergence, Place
from bitwright.sim.faults import FAULTS, faulty_verilog
from bitwright.sim.rtl import RtlMachine, RtlRun

LONGEST = 110
"""Cycles of a recorded tile: what a picture can show."""
MARGIN = 4
"""Cycles around what is recorded."""
BEFORE, AFTER = 70, 20
"""Cycles recorded around a wrong output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Which cycles a waveform holds, as `RtlMachine.time` counts them."""

    first: int
    last: int
    issue: int
    """Of the instruction it is about."""
    instruction: int
    row: int
    """Of the array, that it is about."""
    moment: int | None = None
    """About when the wrong output is written, if it is about one."""


def record(
    program: Program,
    image: NDArray[np.int8],
    path: Path,
    choose: Callable[[RtlRun], Recording],
    *,
    inject: str | None = None,
) -> Recording:
    """Run one image's input codes and write the waveform of the cycles that ``choose`` names."""
    verilog = None if inject is None else faulty_verilog(program.architecture, FAULTS[inject])
    with RtlMachine(program, verilog=verilog, trace=True) as machine:
        chosen = choose(machine.run(image[None]))
    with RtlMachine(program, verilog=verilog, trace=True) as machine:
        machine.start_trace(path, chosen.first, chosen.last)
        machine.run(image[None])
        machine.stop_trace()
    return chosen


def around(place: Place, before: int, after: int) -> Callable[[RtlRun], Recording]:
    """Choose the cycles around the write of an output."""

    def choose(run: RtlRun) -> Recording:
        issue = _issue(run, place.instruction)
        moment = issue + place.cycle
        return Recording(
            first=max(0, moment - before),
            last=moment + after,
            issue=issue,
            instruction=place.instruction,
            row=place.row,
            moment=moment,
        )

    return choose


def first_tile(program: Program) -> Callable[[RtlRun], Recording]:
    """Choose the first computed tile, from the input's transfer to the last word written."""
    architecture = program.architecture
    computes = (ExecuteOpcode.CONV, ExecuteOpcode.VECTOR)
    number, fields = next(
        (n, f) for n, f in enumerate(program.decoded()) if f["opcode"] in computes
    )
    length = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    if fields["opcode"] == ExecuteOpcode.CONV:
        length *= architecture.lanes

    def choose(run: RtlRun) -> Recording:
        issue = _issue(run, number)
        last = issue + length + timing.array_drain(architecture) + 2 * MARGIN
        first = max(_issue(run, 0) - MARGIN, last - LONGEST)
        # A row in the middle: the first pixels are often background.
        row = architecture.rows // 2
        return Recording(first=first, last=last, issue=issue, instruction=number, row=row)

    return choose


def record_moment(
    program: Program,
    x: NDArray[np.int8],
    divergence: Divergence | None,
    path: Path,
    *,
    inject: str | None = None,
) -> Recording:
    """Write the waveform that a report shows: of the wrong output, else of the first tile."""
    if divergence is None:
        return record(program, x[0], path, first_tile(program), inject=inject)
    choose = around(divergence.place, BEFORE, AFTER)
    return record(program, x[divergence.image], path, choose, inject=inject)


def _issue(run: RtlRun, instruction: int) -> int:
    return int(run.ends[0, instruction]) - int(run.cycles[0, instruction])
