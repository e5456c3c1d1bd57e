"""Every output of every layer on the RTL against the reference; the first wrong bit is replayed."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import Program, predict
from bitwright.sim.divergence import Divergence, find_divergence
from bitwright.sim.faults import FAULTS, faulty_verilog
from bitwright.sim.parallel import run_pieces
from bitwright.sim.recording import around, record
from bitwright.sim.rtl import MachineError, RtlRun

WINDOW = 250
"""Cycles of waveform before and after the wrong output."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What was compared at once."""

    first: int
    """Index of its first image."""
    expected: dict[str, NDArray[np.int8]]
    """Every layer's codes on the reference."""
    run: RtlRun
    """The same images on the RTL, with every layer's codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a comparison found."""

    images: int
    """Compared; up to the batch with the first difference."""
    layers: int
    outputs: int
    """Codes compared."""
    divergence: Divergence | None
    machine_error: str | None
    cycles_rtl: int
    cycles_model: int
    cycle_errors: tuple[str, ...]
    """Instructions whose counted cycles are not the model's."""

    @property
    def differing(self) -> int:
        """Codes that differ in the first layer that does; 0 if none."""
        return self.divergence.differing if self.divergence else 0

    @property
    def equal(self) -> bool:
        """No bit differs, no error, and the cycles are the model's."""
        return self.divergence is None and self.machine_error is None and not self.cycle_errors


def verify(
    program: Program,
    x: NDArray[np.int8],
    *,
    inject: str | None = None,
    progress: Progress | None = None,
    on_batch: Callable[[Batch], None] | None = None,
    models: int | None = None,
) -> Verification:
    """Run input codes (N, ...) on the RTL and on the reference and compare everything.

    It is found the same, whatever the number of models.

    Args:
        program: what runs on both.
        x: input codes.
        inject: names a fault of `bitwright.sim.faults` to put into the RTL first.
        progress: is told the images compared so far.
        on_batch: is given what was compared, batch by batch, the one that differs included.
        models: of the RTL, at work at once; None is one per core.
    """
    verilog = None if inject is None else faulty_verilog(program.architecture, FAULTS[inject])
    done = outputs = cycles_rtl = cycles_model = 0
    divergence, failure = None, None
    errors: tuple[str, ...] = ()
    with closing(run_pieces(program, x, models=models, verilog=verilog, taps=True)) as pieces:
        try:
            for piece in pieces:
                run, start = piece.run, piece.first
                batch = x[start : start + len(run.outputs)]
                _, expected = program.network.run(batch, taps=True)
                if on_batch:
                    on_batch(Batch(first=start, expected=expected, run=run))
                divergence = find_divergence(program, expected, run.taps)
                done += len(batch)
                outputs += sum(codes.size for codes in expected.values())
                prediction = predict(program, program.packets_of(len(batch)))
                cycles_rtl += run.total_cycles
                cycles_model += prediction.total
                errors = _cycle_errors(program, run.cycles, prediction.cycles, start)
                if run.total_cycles != prediction.total:
                    errors += (f"run: counted {run.total_cycles}, model {prediction.total}",)
                if progress:
                    progress(done)
                if divergence is not None:
                    divergence = _moved(divergence, start)
                    break
                if errors:
                    break
        except MachineError as error:
            failure = str(error)
    return Verification(
        images=done,
        layers=len(program.layers),
        outputs=outputs,
        divergence=divergence,
        machine_error=failure,
        cycles_rtl=cycles_rtl,
        cycles_model=cycles_model,
        cycle_errors=errors,
    )


def write_replay(
    program: Program,
    x: NDArray[np.int8],
    divergence: Divergence,
    folder: Path,
    *,
    inject: str | None = None,
) -> list[Path]:
    """Write what reproduces a divergence: program, image, script and a waveform window."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    program.save(partial / "program.bwp")
    np.save(partial / "input.npy", x[divergence.image : divergence.image + 1])
    (partial / "divergence.json").write_text(json.dumps(divergence.to_json(), indent=2) + "\n")
    (partial / "replay.py").write_text(_SCRIPT.format(inject=inject))
    choose = around(divergence.place, WINDOW, WINDOW)
    record(program, x[divergence.image], partial / "window.vcd", choose, inject=inject)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return sorted(folder.iterdir())


def _cycle_errors(
    program: Program, counted: NDArray[np.uint32], model: NDArray[np.int64], first: int
) -> tuple[str, ...]:
    """Instructions whose cycles differ from the model's; transfers wait for the host and may."""
    owners = {number: plan.name for plan in program.layers for number in plan.instructions}
    wrong = np.argwhere(counted != model)
    return tuple(
        f"layer {owners.get(int(n), '?')!r} (instruction {n}), image {first + image}: counted"
        f" {counted[image, n]}, model {model[image, n]}"
        for image, n in wrong[:8]
    )


def _moved(divergence: Divergence, images: int) -> Divergence:
    return replace(divergence, image=divergence.image + images)


_SCRIPT = '''"""Replays one image and shows its first difference; run it from anywhere."""

from pathlib import Path

import numpy as np

from bitwright.compiler import Program
from bitwright.sim import verify

here = Path(__file__).parent
program = Program.load(here / "program.bwp")
found = verify(program, np.load(here / "input.npy"), inject={inject!r})
print(found.divergence.describe() if found.divergence else found.machine_error or "no difference")
raise SystemExit(0 if found.equal else 1)
'''
