"""Counters that know beforehand when they are at their ends."""

from amaranth.hdl import Module, Mux, Signal, Value


class Counter:
    """Counts ``count`` steps, again and again.

    ``first`` and ``last`` are registers: what follows the counter through them waits for no
    comparison. ``count`` is looked at with ``start``, which begins anew, and with the last step.
    """

    def __init__(self, m: Module, name: str, count: Value, *, start: Value, step: Value) -> None:
        left = Signal(len(count), name=f"{name}_left")
        self.first = Signal(name=f"{name}_first")
        self.last = Signal(name=f"{name}_last")
        one = count == 1
        with m.If(step):
            m.d.sync += [
                left.eq(Mux(self.last, count, left) - 1),
                self.first.eq(self.last),
                self.last.eq(Mux(self.last, one, left == 1)),
            ]
        with m.If(start):
            m.d.sync += [left.eq(count - 1), self.first.eq(1), self.last.eq(one)]
