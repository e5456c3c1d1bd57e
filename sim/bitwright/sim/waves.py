"""A waveform of a stretch of a run, and the GTKWave save file that groups what matters in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vcd.gtkw import GTKWSave

from bitwright.compiler import Program, predict
from bitwright.sim.rtl import RtlMachine

MARGIN = 20
"""Cycles shown before and after a layer."""

_CORE = "TOP.accelerator.core.core."
_COMPUTE = f"{_CORE}execute.compute."
GROUPS: dict[str, tuple[str, ...]] = {
    "clock": ("TOP.clk", "TOP.rst", "TOP.irq"),
    "control": tuple(f"TOP.control_{name}" for name in ("aw*", "w*", "b*", "ar*", "r*")),
    "weights": ("TOP.weights_*",),
    "inputs": ("TOP.inputs_*",),
    "outputs": ("TOP.outputs_*",),
    "execute thread": tuple(
        f"{_CORE}execute_thread.{name}"
        for name in ("pc", "issue", "done", "waiting", "finished", "tokens")
    ),
    "fetch thread": tuple(
        f"{_CORE}fetch_thread.{name}"
        for name in ("pc", "issue", "done", "waiting", "finished", "tokens")
    ),
    "walker": tuple(
        f"{_COMPUTE}walker.{name}"
        for name in ("start", "valid", "row_valid", "slot", "address", "x", "inside", "weight")
    ),
    "window": tuple(f"{_COMPUTE}window.{name}" for name in ("word", "fault")),
    "array": (f"{_COMPUTE}array.first", f"{_COMPUTE}array.last", f"{_COMPUTE}array.finished_*"),
    "vector lanes": tuple(f"{_COMPUTE}vector*.{name}" for name in ("valid", "first", "acc_*")),
    "depthwise engine": tuple(
        f"{_COMPUTE}depthwise.{name}" for name in ("coming", "completes", "opens", "closes", "acc*")
    ),
    "XNOR engine": tuple(
        f"{_COMPUTE}xnor.{name}" for name in ("take", "slot", "valid", "first", "last", "total_*")
    ),
    "lanes": (f"{_COMPUTE}post.lane_*.code",),
    "results": ("TOP.trace_*",),
}
"""Groups of signals in the order they are shown; ``*`` stands for any rest of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """What was written."""

    first: int
    """Cycle of the run the waveform begins with; the run's start is cycle 0."""
    last: int
    vcd: Path
    save: Path
    """For GTKWave: ``gtkwave FILE`` opens waveform and groups."""


def write_waves(
    program: Program,
    image: NDArray[np.int8],
    path: Path,
    *,
    layer: str | None = None,
    window: tuple[int, int] = (0, 1000),
) -> Waves:
    """Run one image and write the waveform of a window of cycles, or of a layer's instructions.

    The machine is deterministic: for a layer, the image is run once to learn when it is computed.
    """
    first, last = window if layer is None else _window_of(program, image, layer)
    if not 0 <= first <= last:
        raise ValueError(f"a window is FIRST..LAST with 0 <= FIRST <= LAST, got {first}..{last}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with RtlMachine(program, trace=True) as machine:
        start = machine.time
        machine.start_trace(path, start + first, start + last)
        machine.run(image[None])
        machine.stop_trace()
    save = path.with_suffix(".gtkw")
    _write_save(path, save)
    return Waves(first=first, last=last, vcd=path, save=save)


def _window_of(program: Program, image: NDArray[np.int8], layer: str) -> tuple[int, int]:
    plans = {plan.name: plan for plan in program.layers}
    if layer not in plans:
        raise ValueError(f"the program has no layer {layer!r}; it has {', '.join(plans)}")
    with RtlMachine(program, trace=True) as machine:
        start = machine.time
        run = machine.run(image[None])
    numbers = list(plans[layer].instructions)
    ends = run.ends[0, numbers].astype(np.int64)
    begin = int((ends - predict(program).latency[0, numbers]).min()) - start
    end = int(ends.max()) - start
    return max(0, begin - MARGIN), end + MARGIN


def _write_save(vcd: Path, save: Path) -> None:
    """Group the signals the waveform has; what optimization removed is not there."""
    names = list(_signals(vcd))
    with save.open("w") as file:
        gtkw = GTKWSave(file)
        gtkw.dumpfile(str(vcd.resolve()))
        gtkw.treeopen(_COMPUTE)
        gtkw.sst_expanded(True)
        for group, patterns in GROUPS.items():
            shown = [name for pattern in patterns for name in names if _matches(pattern, name)]
            if shown:
                with gtkw.group(group, closed=group == "control"):
                    for name in shown:
                        gtkw.trace(name)


def _matches(pattern: str, name: str) -> bool:
    plain = re.sub(r"\[[\d:]+\]$", "", name)
    whole = r"[^.]*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(whole, plain) is not None


def _signals(vcd: Path) -> Iterator[str]:
    """Full names of a VCD's signals, with their bits as GTKWave writes them: ``a.b[7:0]``."""
    scopes: list[str] = []
    with vcd.open() as file:
        for line in file:
            match line.split():
                case ["$scope", _, name, "$end"]:
                    scopes.append(name)
                case ["$upscope", "$end"]:
                    scopes.pop()
                case ["$var", _, _, _, name, *bits, "$end"]:
                    yield ".".join([*scopes, name]) + "".join(bits)
                case ["$enddefinitions", "$end"]:
                    return
