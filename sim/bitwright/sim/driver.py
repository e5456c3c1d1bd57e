"""The C++ driver as an object: registers, streams and cycles of one Verilated accelerator."""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.registers import REGISTERS
from bitwright.sim.model import SimulationError

Stream = Literal["weights", "inputs"]


class MachineError(RuntimeError):
    """The accelerator stopped with an error code."""

    def __init__(self, code: ErrorCode, thread: str, instruction: int) -> None:
        super().__init__(
            f"the accelerator stopped: {code.name} (error {int(code)}) in {thread} instruction"
            f" {instruction}"
        )
        self.code, self.thread, self.instruction = code, thread, instruction


class Driver:
    """The host's side of the buses; it knows registers and packets, but no program.

    Any call that lets time pass raises `SimulationError` if an assertion of the design fails; the
    driver can then only be closed.
    """

    def __init__(self, library: Path, architecture: Architecture) -> None:
        """Make a model of a library built with ``driver.cpp``, and reset it by its pin."""
        self._c = _declared(ctypes.CDLL(str(library)))
        self._lanes = architecture.lanes
        self._host = self._c.bw_new(architecture.lanes, architecture.bank_bytes)
        # What the C++ side holds pointers to.
        self._kept: dict[str, object] = {}
        self._taps: list[object] = []
        self.hard_reset()

    def hard_reset(self) -> None:
        """Reset by the pin; what is queued is forgotten."""
        self._check(self._c.bw_reset(self._host))

    def write(self, register: str, value: int) -> None:
        """Write a register by name."""
        self.access(REGISTERS[register].address, value)

    def read(self, register: str) -> int:
        """Read a register by name."""
        return self.access(REGISTERS[register].address)[0]

    def access(self, address: int, value: int | None = None) -> tuple[int, int]:
        """Read any address, or write a value to it; the data and the bus's response."""
        if value is not None:
            response = self._c.bw_write(self._host, address, value)
            self._check(response)
            return value, response
        data = ctypes.c_uint32()
        response = self._c.bw_read(self._host, address, ctypes.byref(data))
        self._check(response)
        return int(data.value), response

    def read_wide(self, name: str) -> int:
        """Read a counter of two words."""
        return self.read(f"{name}_low") | self.read(f"{name}_high") << 32

    def error(self) -> MachineError | None:
        """What the error register says."""
        word = self.read("error")
        if not word & 0xFF:
            return None
        return MachineError(
            ErrorCode(word & 0xFF), "fetch" if word >> 8 & 1 else "execute", word >> 16
        )

    def queue(
        self, stream: Stream, data: NDArray[np.uint8], lengths: Sequence[int], repeats: int = 1
    ) -> None:
        """Queue beats (n, lanes) as packets of the given lengths, in place of what was queued."""
        data = np.ascontiguousarray(data)
        ends = np.cumsum(np.array(lengths, np.uint64), dtype=np.uint64)
        self._kept[stream] = data, ends
        self._c.bw_source(
            self._host,
            int(stream == "inputs"),
            data.ctypes.data,
            len(data),
            ends.ctypes.data,
            len(ends),
            repeats,
        )

    def receive(self, target: NDArray[np.uint8]) -> None:
        """Take output beats into ``target`` (whole beats); when it is full, no more are taken."""
        self._kept["outputs"] = target
        self._c.bw_sink(self._host, target.ctypes.data, target.size // self._lanes)

    @property
    def received(self) -> int:
        """Output beats taken since `receive`."""
        return int(self._c.bw_taken(self._host))

    def left(self, stream: Stream) -> bool:
        """Whether queued beats are left on a stream."""
        return bool(self._c.bw_left(self._host, int(stream == "inputs")))

    def forget(self) -> None:
        """Take back what is queued."""
        self._c.bw_forget(self._host)

    def pause(self, seed: int, weights: float = 0, inputs: float = 0, outputs: float = 0) -> None:
        """From now on pause on each stream with these probabilities per cycle."""
        rates = [int(65536 * rate) for rate in (weights, inputs, outputs)]
        self._c.bw_pause(self._host, seed, *rates)

    def tick(self, cycles: int = 1) -> None:
        """Let time pass."""
        self._check(self._c.bw_tick(self._host, cycles))

    def run(self, limit: int) -> bool:
        """Tick until the interrupt, at most ``limit`` cycles; whether it came."""
        status = self._c.bw_run(self._host, limit)
        self._check(status)
        return bool(status == 1)

    def choose_mutant(self, mutant: int) -> None:
        """Take one of the defects that `tools/mutate.py` built into the design; 0 is none."""
        if not self._c.bw_mutant(self._host, mutant):
            raise ValueError("this design has no mutants")

    @property
    def time(self) -> int:
        """Cycles since the model was made."""
        return int(self._c.bw_time(self._host))

    def record(self, cycles: NDArray[np.uint32], ends: NDArray[np.uint64]) -> None:
        """Note the duration and the end of every instruction (images, instructions) from now on.

        Forgets all taps.
        """
        self._kept["record"] = cycles, ends
        self._taps = []
        self._c.bw_record(self._host, *cycles.shape, cycles.ctypes.data, ends.ctypes.data)

    def tap(self, instruction: int, bank: int, base: int, target: NDArray[np.uint8]) -> None:
        """Copy a bank's bytes into ``target`` (images, bytes) whenever an instruction is done."""
        self._taps.append(target)
        size = target.shape[1]
        self._c.bw_tap(self._host, instruction, bank, base, size, target.ctypes.data, size)

    def start_trace(self, path: Path, first: int, last: int) -> None:
        """Write a waveform of cycles ``first`` to ``last`` (as `time` counts them)."""
        if not self._c.bw_trace(self._host, str(path).encode(), first, last + 1):
            raise ValueError("this machine was built without trace=True")

    def stop_trace(self) -> None:
        """Close the waveform."""
        self._c.bw_trace_close(self._host)

    def close(self) -> None:
        """Free the model."""
        if self._host:
            self._c.bw_trace_close(self._host)
            self._c.bw_delete(self._host)
            self._host = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, status: int) -> None:
        if status < 0:
            failure = self._c.bw_failure(self._host).decode(errors="replace")
            raise SimulationError(f"an assertion of the design failed: {failure}")


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
        "bw_forget": (None, [pointer]),
        "bw_left": (ctypes.c_int, [pointer, ctypes.c_int]),
        "bw_pause": (None, [pointer, u64, u32, u32, u32]),
        "bw_mutant": (ctypes.c_int, [pointer, u32]),
        "bw_tick": (ctypes.c_int, [pointer, u64]),
        "bw_record": (None, [pointer, u64, u32, pointer, pointer]),
        "bw_tap": (None, [pointer, u32, u32, u32, u32, pointer, u64]),
        "bw_run": (ctypes.c_int, [pointer, u64]),
        "bw_trace": (ctypes.c_int, [pointer, ctypes.c_char_p, u64, u64]),
        "bw_trace_close": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
