"""Labelled images on the RTL: equality, and what else a run shows."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import Program, filled_utilization, summarize
from bitwright.sim.verification import Batch, Progress, Verification, verify


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """A verification, and what its runs gave."""

    found: Verification
    mismatches: int
    """Outputs that differ, of all layers and of all images that were compared."""
    answers: NDArray[np.int64]
    """The RTL's answer to each image compared: the greatest output, of equal ones the first."""
    cycles: tuple[int, ...]
    """Counted for each execute instruction of the first image; empty if the machine stopped."""
    ends: tuple[int, ...]
    """The machine's time at the end of each."""
    seconds: float
    """Of wall time in which the RTL ran, recording every layer."""

    def to_json(self, program: Program, labels: NDArray[np.integer[Any]]) -> dict[str, Any]:
        """The figures of a report."""
        found, counted = self.found, self.cycles or None
        layers = summarize(program, counted)
        origin = min((end - n for end, n in zip(self.ends, self.cycles, strict=True)), default=0)
        correct = int((self.answers == labels[: len(self.answers)]).sum())
        divergence = found.divergence
        return {
            "images": found.images,
            "mismatches": self.mismatches,
            "outputs_compared": found.outputs,
            "layers_compared": found.layers,
            "divergence": None if divergence is None else divergence.to_json(),
            "machine_error": found.machine_error,
            "accuracy_rtl": correct / len(self.answers) if len(self.answers) else None,
            "cycles_model": found.cycles_model,
            "cycles_rtl": found.cycles_rtl,
            "cycle_errors": list(found.cycle_errors),
            "utilization": filled_utilization(layers, program.architecture),
            "sim_cycles_per_second": found.cycles_rtl / self.seconds if self.seconds else None,
            "layers": [asdict(layer) for layer in layers],
            # Of the first image, in cycles since its first instruction was issued.
            "steps": [
                {"begin": end - n - origin, "end": end - origin}
                for end, n in zip(self.ends, self.cycles, strict=True)
            ],
        }


def measure(
    program: Program,
    x: NDArray[np.int8],
    *,
    inject: str | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """`verify`, keeping answers, cycles and speed; the arguments are the same."""
    answers: list[NDArray[np.int64]] = []
    cycles: list[tuple[int, ...]] = []
    ends: list[tuple[int, ...]] = []
    times: list[float] = []
    mismatches = 0

    def keep(batch: Batch) -> None:
        nonlocal mismatches
        run = batch.run
        answers.append(run.outputs.reshape(len(run.outputs), -1).argmax(axis=1))
        mismatches += sum(int((batch.expected[n] != run.taps[n]).sum()) for n in batch.expected)
        cycles.append(tuple(run.cycles[0].tolist()))
        ends.append(tuple(run.ends[0].tolist()))
        times.extend((run.began, run.ended))

    found = verify(program, x, inject=inject, progress=progress, on_batch=keep)
    return Measurement(
        found=found,
        mismatches=mismatches,
        answers=np.concatenate([np.zeros(0, np.int64), *answers]),
        cycles=cycles[0] if cycles else (),
        ends=ends[0] if ends else (),
        seconds=max(times, default=0.0) - min(times, default=0.0),
    )
