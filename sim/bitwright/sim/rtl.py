"""A program on the Verilated accelerator, driven from C++ on numpy buffers."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import LayerPlan, Program
from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.registers import (
    CONTROL_IRQ_DONE,
    CONTROL_IRQ_ERROR,
    CONTROL_LOAD,
    CONTROL_RESET,
    CONTROL_RUN,
    REGISTERS,
    STATUS_LOADED,
)
from bitwright.rtl import TOP, Top
from bitwright.sim.verilate import build_library, simulation_verilog

INTERRUPTS = 1 << CONTROL_IRQ_DONE | 1 << CONTROL_IRQ_ERROR
SLICE = 200_000
"""Cycles between two looks at the host's side."""


class MachineError(RuntimeError):
    """The accelerator stopped with an error code."""

    def __init__(self, code: ErrorCode, thread: str, instruction: int) -> None:
        super().__init__(
            f"the accelerator stopped: {code.name} (error {int(code)}) in {thread} instruction"
            f" {instruction}"
        )
        self.code, self.thread, self.instruction = code, thread, instruction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RtlRun:
    """What a batch on the RTL gave."""

    outputs: NDArray[np.int8]
    taps: dict[str, NDArray[np.int8]]
    """Every layer's codes, (N, *shape); empty unless asked for."""
    cycles: NDArray[np.uint32]
    """(images, execute instructions)."""
    ends: NDArray[np.uint64]
    """(images, execute instructions): the machine's `time` at each instruction's end."""
    total_cycles: int
    stalls: int
    macs: int


@lru_cache(maxsize=8)
def verilog_of(architecture: Architecture) -> str:
    """The Verilog to simulate, kept: generation takes seconds.

    The same design as `bitwright.rtl.generate`'s text, in the form Verilator runs fastest.
    """
    return simulation_verilog(Top(architecture), TOP)


def library_of(verilog: str, trace: bool, optimize: int) -> Path:
    """The driver and the model in one shared library, from the cache if it is there."""
    driver = files("bitwright.sim").joinpath("driver.cpp").read_text()
    return build_library(
        verilog, TOP, cpp_sources={"driver.cpp": driver}, trace=trace, optimize=optimize
    )


class RtlMachine:
    """One Verilated accelerator and its host."""

    def __init__(
        self, program: Program, *, verilog: str | None = None, trace: bool = False
    ) -> None:
        """Build (or find) the model, reset it, load the program and run its prologue.

        Args:
            program: what to load.
            verilog: in place of the architecture's own; for faults.
            trace: build a model that can write waveforms.

        Raises:
            MachineError: the hardware refuses the program.
        """
        self.program = program
        text = verilog_of(program.architecture) if verilog is None else verilog
        # A fault or a waveform is run once: there a quick build counts more than a quick model.
        optimize = 3 if verilog is None and not trace else 1
        self._library = _declared(ctypes.CDLL(str(library_of(text, trace, optimize))))
        architecture = program.architecture
        self._host = self._library.bw_new(architecture.lanes, architecture.bank_bytes)
        self._kept: list[object] = []
        self._check(self._library.bw_reset(self._host))
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
        program, library, host = self.program, self._library, self._host
        lanes = program.architecture.lanes
        images = program.pack_images(x)
        count, beats = images.shape[:2]
        out_beats = program.output_beats
        sink = np.zeros((count, out_beats * lanes), np.uint8)
        cycles = np.zeros((count, len(program.execute)), np.uint32)
        ends = np.zeros(cycles.shape, np.uint64)
        library.bw_record(host, len(program.execute), cycles.ctypes.data, ends.ctypes.data)
        captured = self._arm_taps(count) if taps else {}
        self._source(True, images.reshape(-1, lanes), [beats] * count, 1)
        self._source(False, program.body, program.packets(body=True), count)
        library.bw_sink(host, sink.ctypes.data, count * out_beats)

        self.write("images", count)
        self.write("control", INTERRUPTS | 1 << CONTROL_RUN)
        self._wait(on_progress, out_beats)
        outputs = program.unpack_region(_at_zero(program), sink)
        return RtlRun(
            outputs=outputs,
            taps={
                plan.name: program.unpack_region(plan, captured[plan.name])
                for plan in program.layers
                if plan.name in captured
            },
            cycles=cycles,
            ends=ends,
            total_cycles=self._wide("cycles"),
            stalls=self._wide("stalls"),
            macs=self._wide("macs"),
        )

    def reset(self) -> None:
        """Reset by register, and load the program again."""
        self.write("control", 1 << CONTROL_RESET)
        self._load()

    def write(self, register: str, value: int) -> None:
        """Write a register by name."""
        self._check(self._library.bw_write(self._host, REGISTERS[register].address, value))

    def read(self, register: str) -> int:
        """Read a register by name."""
        value = ctypes.c_uint32()
        address = REGISTERS[register].address
        self._check(self._library.bw_read(self._host, address, ctypes.byref(value)))
        return int(value.value)

    @property
    def time(self) -> int:
        """Cycles since the model was made."""
        return int(self._library.bw_time(self._host))

    def start_trace(self, path: Path, first: int, last: int) -> None:
        """Write a waveform of cycles ``first`` to ``last`` (as `time` counts them)."""
        if not self._library.bw_trace(self._host, str(path).encode(), first, last + 1):
            raise ValueError("this machine was built without trace=True")

    def stop_trace(self) -> None:
        """Close the waveform."""
        self._library.bw_trace_close(self._host)

    def close(self) -> None:
        """Free the model."""
        if self._host:
            self._library.bw_trace_close(self._host)
            self._library.bw_delete(self._host)
            self._host = None

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
        self._source(False, data, [len(words), *program.packets(body=False)], 1)
        self.write("control", INTERRUPTS | 1 << CONTROL_LOAD)
        for _ in range(len(data) // SLICE + 2):
            self._check(self._library.bw_run(self._host, SLICE))
            self._raise_error()
            if self.read("status") >> STATUS_LOADED & 1:
                return
        raise RuntimeError("the accelerator did not finish loading its program")

    def _source(
        self, inputs: bool, data: NDArray[np.uint8], lengths: list[int], repeats: int
    ) -> None:
        data = np.ascontiguousarray(data)
        ends = np.cumsum(np.array(lengths, np.uint64), dtype=np.uint64)
        keep = (data, ends)
        self._kept = [*self._kept[-4:], keep]
        self._library.bw_source(
            self._host,
            int(inputs),
            data.ctypes.data,
            len(data),
            ends.ctypes.data,
            len(ends),
            repeats,
        )

    def _arm_taps(self, count: int) -> dict[str, NDArray[np.uint8]]:
        captured = {}
        for plan in self.program.layers:
            region = plan.region
            buffer = np.zeros((count, region.extent), np.uint8)
            captured[plan.name] = buffer
            self._library.bw_tap(
                self._host,
                plan.instructions[-1],
                region.bank,
                region.base,
                region.extent,
                buffer.ctypes.data,
                region.extent,
            )
        return captured

    def _wait(self, on_progress: Callable[[int], None] | None, out_beats: int) -> None:
        last_taken, idle = -1, 0
        while True:
            status = self._library.bw_run(self._host, SLICE)
            self._check(status)
            taken = int(self._library.bw_taken(self._host))
            if on_progress:
                on_progress(taken // out_beats)
            if status == 1:
                self._raise_error()
                self.write("status", 4)
                return
            idle = idle + 1 if taken == last_taken else 0
            last_taken = taken
            if idle > 5000:
                raise RuntimeError("the accelerator makes no progress: a billion cycles, no output")

    def _raise_error(self) -> None:
        error = self.read("error")
        if error & 0xFF:
            thread = "fetch" if error >> 8 & 1 else "execute"
            raise MachineError(ErrorCode(error & 0xFF), thread, error >> 16)

    def _wide(self, name: str) -> int:
        return self.read(f"{name}_low") | self.read(f"{name}_high") << 32

    def _check(self, status: int) -> None:
        if status < 0:
            failure = self._library.bw_failure(self._host).decode()
            raise RuntimeError(f"an assertion of the design failed: {failure}")


def _at_zero(program: Program) -> LayerPlan:
    plan = program.output_plan
    return replace(plan, region=replace(plan.region, base=0))


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """The functions' types; ctypes cuts pointers to 32 bits without them."""
    pointer, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    signatures: dict[str, tuple[object, list[object]]] = {
        "bw_new": (pointer, [u32, u32]),
        "bw_delete": (None, [pointer]),
        "bw_failure": (ctypes.c_char_p, [pointer]),
        "bw_time": (u64, [pointer]),
        "bw_reset": (ctypes.c_int, [pointer]),
        "bw_write": (ctypes.c_int, [pointer, u32, u32]),
        "bw_read": (ctypes.c_int, [pointer, u32, pointer]),
        "bw_source": (None, [pointer, ctypes.c_int, pointer, u64, pointer, u64, u64]),
        "bw_sink": (None, [pointer, pointer, u64]),
        "bw_taken": (u64, [pointer]),
        "bw_record": (None, [pointer, u32, pointer, pointer]),
        "bw_tap": (None, [pointer, u32, u32, u32, u32, pointer, u64]),
        "bw_run": (ctypes.c_int, [pointer, u64]),
        "bw_trace": (ctypes.c_int, [pointer, ctypes.c_char_p, u64, u64]),
        "bw_trace_close": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
