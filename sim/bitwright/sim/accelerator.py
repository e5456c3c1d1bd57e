"""One interface to a program, whoever computes it."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.compiler import Program
from bitwright.sim.parallel import run_batch
from bitwright.sim.rtl import RtlMachine

Backend = Literal["reference", "verilator"]
BACKENDS = ("reference", "verilator")


class Accelerator:
    """Runs a program on the numpy reference or on the Verilated RTL; the answers are the same."""

    def __init__(self, program: Program, backend: Backend = "verilator") -> None:
        if backend not in BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
        self.program = program
        self.backend = backend
        self._machine: RtlMachine | None = None

    def quantize(self, x: ArrayLike) -> NDArray[np.int8]:
        """Real inputs as the network's input codes: round(x / scale) + zero_point, clamped."""
        output = self.program.network.input.output
        codes = np.rint(np.asarray(x, np.float64) / output.scale) + output.zero_point
        return np.clip(codes, output.low, output.high).astype(np.int8)

    def run(self, x: ArrayLike) -> NDArray[np.int8]:
        """Output codes (N, ...) of input codes (N, ...); real inputs are quantized first.

        Several images are shared between models on all cores; one runs on a model that is kept.
        """
        inputs = np.asarray(x)
        codes = inputs if np.issubdtype(inputs.dtype, np.integer) else self.quantize(inputs)
        if self.backend == "reference":
            return self.program.network.run(codes)
        codes = codes.astype(np.int8)
        if len(codes) > 1:
            return run_batch(self.program, codes).outputs
        if self._machine is None:
            self._machine = RtlMachine(self.program)
        return self._machine.run(codes).outputs

    def close(self) -> None:
        """Free the Verilated model, if there is one."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None

    def __enter__(self) -> "Accelerator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
