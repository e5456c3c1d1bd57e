"""Delay lines."""

from typing import Any

from amaranth.hdl import Module, Signal


def delayed(m: Module, signal: Any, cycles: int, name: str) -> Any:
    """``signal`` as it was ``cycles`` cycles ago; the registers are named ``{name}_{n}``."""
    for n in range(1, cycles + 1):
        register = Signal.like(signal, name=f"{name}_{n}")
        m.d.sync += register.eq(signal)
        signal = register
    return signal
