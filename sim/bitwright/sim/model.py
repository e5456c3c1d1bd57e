"""A Verilated module as a Python object: poke and peek its ports, tick its clock, trace it.

In the shape of pyverilator (``build``, ``io``, ``clock.tick``, ``start_trace``), which no longer
imports: its newest release, of 2021, needs a function that Tk dropped. Nothing of it is used here.
A port access copies memory and a tick is a C call: for whole networks there is the C++ driver.
"""

import ctypes
import difflib
import operator
import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from bitwright.sim import cpp
from bitwright.sim.ports import Port, ports
from bitwright.sim.verilate import build_library, named_texts
from bitwright.sim.verilog import simulation_verilog

_WRAPPER = "bitwright_model.cpp"


class _Pin(NamedTuple):
    port: Port
    address: int
    memory: memoryview
    """Of the generated class's member; little-endian, as the host."""


class PortError(AttributeError, LookupError):
    """The module has no such port; the message names the nearest ones."""


class SimulationError(RuntimeError):
    """An assertion of the design failed, or it called ``$stop`` or ``$fatal``."""


class VerilatedModel:
    """A running instance of a Verilated module.

    >>> counter = '''
    ... module counter(input clk, input enable, output reg [3:0] count);
    ...   initial count = 0;
    ...   always @(posedge clk) if (enable) count <= count + 1;
    ... endmodule
    ... '''
    >>> with VerilatedModel.build(counter) as model:
    ...     model.io.enable = 1
    ...     model.clock.tick(18)
    ...     model.io.count
    2
    """

    def __init__(self, library: Path, *, clock: str | None = "clk") -> None:
        """Load a library that `build` made; ``clock`` names the port that `clock.tick` toggles."""
        self._c = _functions(library)
        handle = self._c.model_create()
        self._handle: int | None = handle
        self._destroy = weakref.finalize(self, self._c.model_destroy, handle)
        self.library = library
        """The shared library; sources and generated C++ lie beside it."""
        self.ports: tuple[Port, ...] = tuple(ports(library.parent))
        """Every port with its width and direction, in the order of the generated class."""
        self._tracing = False
        self._stale = True
        self._clock = clock
        self._pins: dict[str, _Pin] = {}
        for index, port in enumerate(self.ports):
            size = ctypes.c_uint64()
            address = self._c.model_port(handle, index, ctypes.byref(size))
            memory = memoryview((ctypes.c_uint8 * size.value).from_address(address)).cast("B")
            self._pins[port.name] = _Pin(port, address, memory)
        self.eval()

    @classmethod
    def build(
        cls,
        source: Any,
        top: str | None = None,
        *,
        clock: str | None = "clk",
        parameters: Mapping[str, int | str] | None = None,
        defines: Mapping[str, int | str] | None = None,
        trace: bool = True,
        assertions: bool = True,
        optimize: int = 2,
    ) -> Self:
        """Build, or take from the cache, and start a model.

        Args:
            source: a Verilog file, Verilog text, several files, texts by file name, or an Amaranth
                component.
            top: the top module; may be left out if it is the only one that no other instantiates.
            clock: the port that `clock.tick` toggles; None or no such port: combinational.
            parameters: of the top module.
            defines: of the preprocessor.
            trace: make `start_trace` possible; costs build time only.
            assertions: raise `SimulationError` where the design's assertions fail.
            optimize: level of the C++ compiler, 0..3.

        Raises:
            BuildError: Verilator refused the source; with its output.
            ToolError: a tool is missing.
            ValueError: the top module cannot be told, or an argument is outside what is listed.
        """
        if hasattr(source, "elaborate"):
            top = top or "top"
            source = simulation_verilog(source, top, assertions=assertions)
        elif isinstance(source, str) and "\n" not in source and source.endswith((".v", ".sv")):
            source = [Path(source)]
        elif isinstance(source, Path):
            source = [source]
        top = top or _only_top("\n".join(text for _, text in named_texts(source, "top.v")))
        library = build_library(
            source,
            top,
            cpp_sources={_WRAPPER: cpp.source(_WRAPPER)},
            parameters=parameters,
            defines=defines,
            trace=trace,
            assertions=assertions,
            optimize=optimize,
            verilator_flags=("--timescale", "1ns/1ns"),
        )
        return cls(library, clock=clock)

    @property
    def io(self) -> "Ports":
        """The ports as attributes and items: ``model.io.a = 5``, ``model.io["a.b"]``."""
        return Ports(self)

    @property
    def clock(self) -> "Clock":
        """The clock; an error if the module has no port of that name."""
        if self._clock is None or self._clock not in self._pins:
            bits = [p.name for p in self.ports if p.width == 1 and p.direction == "in"]
            raise PortError(
                f"the module has no clock {self._clock!r}; clock= names one of its one-bit inputs: "
                f"{', '.join(bits) or 'it has none'}"
            )
        return Clock(self, self._clock)

    @property
    def cycles(self) -> int:
        """Clock cycles ticked so far."""
        return int(self._c.model_cycles(self._live()))

    @property
    def finished(self) -> bool:
        """Whether the design called ``$finish``; its clock then stands still."""
        return bool(self._c.model_finished(self._live()))

    def eval(self) -> None:
        """Let the design settle on its present inputs; reading a port does so by itself."""
        self._check(self._c.model_eval(self._live()))
        self._stale = False

    def start_trace(self, path: str | Path) -> None:
        """Write a VCD from the next tick on; a clock period is 10 ns, inputs change as it falls.

        Raises:
            ValueError: a trace is open, or the model was built with ``trace=False``.
            OSError: the file cannot be written.
        """
        if self._tracing:
            raise ValueError("a trace is already open; stop_trace() first")
        if not self._c.model_traces():
            raise ValueError("the model was built without tracing; build it with trace=True")
        with Path(path).open("w"):  # Verilator's own error would not say why
            pass
        self._check(self._c.model_start_trace(self._live(), str(path).encode()))
        self._tracing = True

    def stop_trace(self) -> None:
        """Write the last values and close the file."""
        if not self._tracing:
            raise ValueError("no trace is open; start_trace(path) first")
        self._tracing = False
        self._check(self._c.model_stop_trace(self._live()))

    def close(self) -> None:
        """Free the model and complete its trace. Closing twice is fine; using it after is not."""
        if self._handle is None:
            return
        try:
            if self._tracing:
                self.stop_trace()
        finally:
            self._handle = None
            self._pins.clear()
            self._destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:  # what went wrong first is what must be seen
            self._tracing = False
        self.close()

    def _live(self) -> int:
        if self._handle is None:
            raise ValueError("the model is closed; build it again")
        return self._handle

    def _check(self, failure: bytes | None) -> None:
        if failure is not None:
            self._tracing = False
            raise SimulationError(failure.decode(errors="replace"))

    def _pin(self, name: str) -> "_Pin":
        self._live()
        try:
            return self._pins[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._pins, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(self.io)}"
            raise PortError(f"the module has no port {name!r}; {hint}") from None

    def _read(self, name: str) -> int:
        pin = self._pin(name)
        if self._stale:
            self.eval()
        return int.from_bytes(pin.memory, "little")

    def _write(self, name: str, value: int) -> None:
        port, _, memory = self._pin(name)
        if port.direction == "out":
            raise PortError(f"port {name} is an output and cannot be written")
        number = operator.index(value)
        if not 0 <= number < 1 << port.width:
            raise ValueError(
                f"port {name} is {port.width} bits wide and takes 0..{(1 << port.width) - 1}, not "
                f"{number}; a signed value is written as value & {hex((1 << port.width) - 1)}"
            )
        memory[:] = number.to_bytes(len(memory), "little")
        self._stale = True


class Ports:
    """The ports of a model, read and written as unsigned integers of any width."""

    __slots__ = ("_model",)
    _model: VerilatedModel

    def __init__(self, model: VerilatedModel) -> None:
        object.__setattr__(self, "_model", model)

    def __getattr__(self, name: str) -> int:
        return self._model._read(name)

    def __setattr__(self, name: str, value: int) -> None:
        self._model._write(name, value)

    def __getitem__(self, name: str) -> int:
        return self._model._read(name)

    def __setitem__(self, name: str, value: int) -> None:
        self._model._write(name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(port.name for port in self._model.ports)

    def __len__(self) -> int:
        return len(self._model.ports)

    def __contains__(self, name: object) -> bool:
        return any(port.name == name for port in self._model.ports)

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return "\n".join(
            f"{port.direction:5} {port.width:4} {port.name}" for port in self._model.ports
        )


class Clock:
    """The clock of a model."""

    def __init__(self, model: VerilatedModel, name: str) -> None:
        self._model = model
        self.name = name

    def tick(self, n: int = 1) -> None:
        """Run n cycles: the inputs settle, the clock rises, it falls. Stops early at ``$finish``.

        Raises:
            SimulationError: an assertion failed; the model then stands where it failed.
            ValueError: n is negative.
        """
        if n < 0:
            raise ValueError(f"a clock ticks 0 times or more, not {n}")
        address = self._model._pin(self.name).address
        self._model._check(self._model._c.model_tick(self._model._live(), address, n))
        self._model._stale = False


def _functions(library: Path) -> ctypes.CDLL:
    c = ctypes.CDLL(str(library))
    handle, text = ctypes.c_void_p, ctypes.c_char_p
    signatures: dict[str, tuple[Any, Sequence[Any]]] = {
        "model_create": (handle, ()),
        "model_destroy": (None, (handle,)),
        "model_port": (handle, (handle, ctypes.c_int, ctypes.POINTER(ctypes.c_uint64))),
        "model_eval": (text, (handle,)),
        "model_tick": (text, (handle, handle, ctypes.c_uint64)),
        "model_traces": (ctypes.c_int, ()),
        "model_cycles": (ctypes.c_uint64, (handle,)),
        "model_finished": (ctypes.c_int, (handle,)),
        "model_start_trace": (text, (handle, text)),
        "model_stop_trace": (text, (handle,)),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(c, name)
        function.restype, function.argtypes = result, arguments
    return c


def _only_top(verilog: str) -> str:
    """The one module whose name is nowhere but in its own declaration."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)|\"[^\"]*\"", " ", verilog, flags=re.DOTALL)
    modules = re.findall(r"\bmodule\s+(\w+)", text)
    tops = [name for name in modules if len(re.findall(rf"\b{name}\b", text)) == 1]
    if len(modules) == 1:
        return modules[0]
    if len(tops) != 1:
        raise ValueError(
            f"top= must name the top module, one of: {', '.join(modules) or 'none found'}"
        )
    return tops[0]
