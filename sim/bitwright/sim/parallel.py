"""A batch on as many Verilated accelerators as there are cores."""

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import Program, predict
from bitwright.sim.rtl import RtlMachine, RtlRun, machine_library

LONGEST = 32
"""Images of a piece: its model is made and loaded in the time of one image."""
SHARES = 4
"""Into this many pieces at least a smaller batch is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive images of a batch, and their run on an accelerator of their own."""

    first: int
    """Index of its first image."""
    run: RtlRun


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def piece_sizes(images: int, together: int = 1) -> list[int]:
    """How a batch is cut: a matter of its size alone, so that no result depends on the cores.

    The ``together`` images of one packet stay in one piece.
    """
    packets = min(LONGEST // together, -(-images // (SHARES * together)))
    size = together * max(1, packets)
    return [min(size, images - first) for first in range(0, images, size)]


def run_pieces(
    program: Program,
    x: NDArray[np.int8],
    *,
    models: int | None = None,
    verilog: str | None = None,
    taps: bool = False,
) -> Generator[Piece, None, None]:
    """Run a batch of input codes (N, *shape) and yield its pieces in the order of the images.

    Every piece begins on a machine fresh from its reset. So what a piece gives, and what it fails
    with, is the same whatever ran elsewhere; and a piece's failure is raised after all pieces
    before it were yielded. Each model runs in a thread that is in C++ all the time.

    Args:
        program: what every machine loads.
        x: the input codes.
        models: machines at work at once; None is one per core.
        verilog: in place of the architecture's own; for faults.
        taps: keep every layer's codes.

    Raises:
        MachineError: a machine stopped with an error code.
        SimulationError: an assertion of the design failed.
        ValueError: ``models`` is not positive.
    """
    if models is not None and models < 1:
        raise ValueError(f"models must be 1 or more, got {models}")
    library = machine_library(program.architecture, verilog=verilog)
    sizes = piece_sizes(len(x), program.batch)
    workers = min(models or cores(), max(len(sizes), 1))
    pool = ThreadPoolExecutor(workers, "bitwright-model")
    ahead: deque[Future[Piece]] = deque()
    try:
        for first, size in zip(accumulate(sizes, initial=0), sizes, strict=False):
            images = x[first : first + size]
            ahead.append(pool.submit(_run_piece, program, library, first, images, taps))
            if len(ahead) > 2 * workers:  # what is held in memory
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def run_batch(
    program: Program,
    x: NDArray[np.int8],
    *,
    models: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> RtlRun:
    """`run_pieces` as one run: counters are added up, times are each piece's own machine's.

    Raises:
        ValueError: there are no images.
    """
    if not len(x):
        raise ValueError("a batch needs an image or more, got none")
    runs = []
    for piece in run_pieces(program, x, models=models):
        runs.append(piece.run)
        if on_progress:
            on_progress(piece.first + len(piece.run.outputs))
    return RtlRun(
        outputs=np.concatenate([run.outputs for run in runs]),
        taps={},
        cycles=np.concatenate([run.cycles for run in runs]),
        ends=np.concatenate([run.ends for run in runs]),
        total_cycles=sum(run.total_cycles for run in runs),
        stalls=sum(run.stalls for run in runs),
        macs=sum(run.macs for run in runs),
        began=min(run.began for run in runs),
        ended=max(run.ended for run in runs),
    )


def predicted_cycles(program: Program, images: int) -> int:
    """What `run_batch` must count by the compiler's model."""
    sizes = piece_sizes(images, program.batch)
    return sum(predict(program, program.packets_of(size)).total for size in sizes)


def _run_piece(
    program: Program, library: Path, first: int, images: NDArray[np.int8], taps: bool
) -> Piece:
    with RtlMachine(program, library=library) as machine:
        return Piece(first=first, run=machine.run(images, taps=taps))
