"""What the design relies on, asserted in simulation.

Assertions are part of a design that is elaborated for the platform `Simulation`; for any other,
synthesis among them, they leave nothing behind. Their message begins with the component's name, or
with ``program:`` where it is the program that must keep the rule: a malformed one may break it,
which harms its results and nothing else.
"""

from amaranth.hdl import Assert, Module, Value

PROGRAM = "program: "
"""Begins the message of an assertion that a malformed program may fail."""


class Simulation:
    """The platform that a design is elaborated for to have its assertions."""


def check(m: Module, platform: object, condition: Value, message: str) -> None:
    """Hold ``condition`` at every edge of the clock, in simulation."""
    if isinstance(platform, Simulation):
        m.d.sync += Assert(condition, message)
