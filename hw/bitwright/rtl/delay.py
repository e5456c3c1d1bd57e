"""Delay lines."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value


def delayed(m: Module, signal: Any, cycles: int, name: str, *, reset_less: bool = False) -> Any:
    """``signal`` as it was ``cycles`` cycles ago; the registers are named ``{name}_{n}``."""
    for n in range(1, cycles + 1):
        register = Signal.like(signal, name=f"{name}_{n}", reset_less=reset_less)
        m.d.sync += register.eq(signal)
        signal = register
    return signal


def registered(m: Module, value: Value, cycles: int, name: str) -> Value:
    """``value`` as it was ``cycles`` cycles ago, in registers that are not reset."""
    line: Value = delayed(m, value, cycles, name, reset_less=True)
    return line


def delay_line(m: Module, signal: Any, cycles: int, name: str) -> list[Any]:
    """Bit ``signal`` as it was 0, 1, .. ``cycles`` cycles ago, in one shift register."""
    line = Signal(cycles, name=name)
    m.d.sync += line.eq(Cat(signal, line))
    return [signal, *line]
