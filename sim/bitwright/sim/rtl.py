"""A program on the Verilated accelerator, driven from C++ on numpy buffers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import LayerPlan, Program
from bitwright.compiler.work import fetch_cycles
from bitwright.isa import Architecture
from bitwright.isa.instructions import FETCH_FIELDS, decode
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_LOAD,
    CONTROL_RESET,
    CONTROL_RUN,
    STATUS_DONE,
    STATUS_LOADED,
)
from bitwright.rtl import TOP, Top
from bitwright.sim import cpp
from bitwright.sim.driver import Driver
from bitwright.sim.driver import MachineError as MachineError
from bitwright.sim.verilate import build_library
from bitwright.sim.verilog import simulation_verilog

INTERRUPTS = 1 << CONTROL_IRQ_DONE | 1 << CONTROL_IRQ_ERROR
SLICE = 200_000
"""Cycles between two looks at the host's side."""
LOAD_OVERHEAD = 50
"""More cycles than a load spends on a fetch instruction beside its beats."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RtlRun:
    """What a batch on the RTL gave."""

    outputs: NDArray[np.int8]
    taps: dict[str, NDArray[np.int8]]
    """Every layer's codes, (N, *shape); empty unless asked for."""
    cycles: NDArray[np.uint32]
    """(batches, execute instructions)."""
    ends: NDArray[np.uint64]
    """(batches, execute instructions): the machine's `time` at each instruction's end."""
    total_cycles: int
    stalls: int
    macs: int
    began: float
    """Wall time (``time.perf_counter``) when the images began, the program long loaded."""
    ended: float

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles per second of wall time."""
        return self.total_cycles / (self.ended - self.began)


@lru_cache(maxsize=8)
def verilog_of(architecture: Architecture) -> str:
    """The Verilog to simulate, kept: generation takes seconds.

    The same design as `bitwright.rtl.generate`'s text, in the form Verilator runs fastest.
    """
    return simulation_verilog(Top(architecture), TOP)


def library_of(verilog: str, trace: bool, optimize: int) -> Path:
    """The driver and the model in one shared library, from the cache if it is there."""
    driver = {"driver.cpp": cpp.source("driver.cpp")}
    return build_library(verilog, TOP, cpp_sources=driver, trace=trace, optimize=optimize)


def machine_library(
    architecture: Architecture, *, verilog: str | None = None, trace: bool = False
) -> Path:
    """The library of an `RtlMachine`, built if it is not in the cache.

    Args:
        architecture: whose accelerator.
        verilog: in place of the architecture's own; for faults.
        trace: build a model that can write waveforms.
    """
    text = verilog_of(architecture) if verilog is None else verilog
    # A fault or a waveform is run once: there a quick build counts more than a quick model.
    optimize = 2 if verilog is None and not trace else 1
    return library_of(text, trace, optimize)


class RtlMachine:
    """One Verilated accelerator and its host."""

    def __init__(
        self,
        program: Program,
        *,
        verilog: str | None = None,
        trace: bool = False,
        library: Path | None = None,
    ) -> None:
        """Build (or find) the model, reset it, load the program and run its prologue.

        Args:
            program: what to load.
            verilog: as `machine_library`.
            trace: as `machine_library`.
            library: what `machine_library` gave, for several machines of a kind.

        Raises:
            MachineError: the hardware refuses the program.
        """
        self.program = program
        if library is None:
            library = machine_library(program.architecture, verilog=verilog, trace=trace)
        self._driver = Driver(library, program.architecture)
        self._load()

    def run(
        self,
        x: NDArray[np.int8],
        *,
        taps: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> RtlRun:
        """Run a batch of input codes (N, *shape); ``on_progress`` is told the images done so far.

        Raises:
            MachineError: the machine stopped with an error code.
        """
        program, driver = self.program, self._driver
        lanes = program.architecture.lanes
        images = program.pack_images(x)
        count, beats = images.shape[:2]
        out_beats = program.output_beats
        sink = np.zeros((count, out_beats * lanes), np.uint8)
        cycles = np.zeros((count, len(program.execute)), np.uint32)
        ends = np.zeros(cycles.shape, np.uint64)
        driver.record(cycles, ends)
        captured = self._arm_taps(count) if taps else {}
        driver.queue("inputs", images.reshape(-1, lanes), [beats] * count)
        driver.queue("weights", program.body, program.packets(body=True), count)
        driver.receive(sink)

        began = time.perf_counter()
        driver.write("images", count)
        driver.write("control", INTERRUPTS | 1 << CONTROL_RUN)
        self._wait(on_progress, out_beats)
        for _ in range(SLICE):  # the last beats may leave after the machine is done
            if driver.received == count * out_beats:
                break
            driver.tick()
        else:
            raise RuntimeError("the accelerator is done, but the end of its output does not come")
        ended = time.perf_counter()
        outputs = program.unpack_region(_at_zero(program), sink)[: len(x)]
        return RtlRun(
            outputs=outputs,
            taps={
                plan.name: program.unpack_region(plan, captured[plan.name])[: len(x)]
                for plan in program.layers
                if plan.name in captured
            },
            cycles=cycles,
            ends=ends,
            total_cycles=driver.read_wide("cycles"),
            stalls=driver.read_wide("stalls"),
            macs=driver.read_wide("macs"),
            began=began,
            ended=ended,
        )

    def reset(self) -> None:
        """Take back what is queued, reset by register, and load the program again."""
        self._driver.forget()
        self._driver.write("control", 1 << CONTROL_RESET)
        self._load()

    def pause(self, seed: int, weights: float = 0, inputs: float = 0, outputs: float = 0) -> None:
        """From now on the host pauses on each stream with these probabilities per cycle."""
        self._driver.pause(seed, weights, inputs, outputs)

    @property
    def time(self) -> int:
        """Cycles since the model was made."""
        return self._driver.time

    def start_trace(self, path: Path, first: int, last: int) -> None:
        """Write a waveform of cycles ``first`` to ``last`` (as `time` counts them)."""
        self._driver.start_trace(path, first, last)

    def stop_trace(self) -> None:
        """Close the waveform."""
        self._driver.stop_trace()

    def close(self) -> None:
        """Free the model."""
        self._driver.close()

    def __enter__(self) -> "RtlMachine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self) -> None:
        program = self.program
        lanes = program.architecture.lanes
        words = program.words
        beats = np.zeros((len(words), lanes), np.uint8)
        beats[:, :4] = words.view(np.uint8).reshape(-1, 4)
        data = np.concatenate([beats, program.prologue])
        driver = self._driver
        driver.queue("weights", data, [len(words), *program.packets(body=False)])
        driver.write("control", INTERRUPTS | 1 << CONTROL_LOAD)
        # A word a cycle, then what each instruction takes to be fetched and to run; no interrupt
        # tells the end.
        prologue = [decode(FETCH_FIELDS, [*f]) for f in program.fetch[: program.prologue_count]]
        fetching = sum(fetch_cycles(fields, program.architecture) for fields in prologue)
        driver.run(len(words) + fetching + LOAD_OVERHEAD * (len(program.fetch) + 1))
        self._raise_error()
        if driver.read("status") >> STATUS_LOADED & 1:
            return
        raise RuntimeError("the accelerator did not finish loading its program")

    def _arm_taps(self, count: int) -> dict[str, NDArray[np.uint8]]:
        captured = {}
        for plan in self.program.layers:
            region = plan.region
            buffer = np.zeros((count, region.extent), np.uint8)
            captured[plan.name] = buffer
            self._driver.tap(plan.instructions[-1], region.bank, region.base, buffer)
        return captured

    def _wait(self, on_progress: Callable[[int], None] | None, out_beats: int) -> None:
        last_taken, idle = -1, 0
        while True:
            ended = self._driver.run(SLICE)
            taken = self._driver.received
            if on_progress:
                on_progress(taken // out_beats)
            if ended:
                self._raise_error()
                self._driver.write("status", 1 << STATUS_DONE)
                return
            idle = idle + 1 if taken == last_taken else 0
            last_taken = taken
            if idle > 5000:
                raise RuntimeError("the accelerator makes no progress: a billion cycles, no output")

    def _raise_error(self) -> None:
        error = self._driver.error()
        if error is not None:
            raise error


def _at_zero(program: Program) -> LayerPlan:
    plan = program.output_plan
    return replace(plan, region=replace(plan.region, base=0))
