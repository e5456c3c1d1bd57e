"""What a simulation watches."""

from amaranth.lib.wiring import Out, Signature


class Trace(Signature):
    """Every write of results into the activation buffer, every instruction's start and end.

    ``cycles`` is the finished instruction's duration, valid with ``done``. Left open in a netlist,
    it costs nothing.
    """

    def __init__(self, lanes: int) -> None:
        super().__init__(
            {
                "write": Out(1),
                "bank": Out(1),
                "address": Out(26),
                "count": Out(8),
                "word": Out(8 * lanes),
                "issue": Out(1),
                "done": Out(1),
                "pc": Out(16),
                "cycles": Out(32),
            }
        )
