"""When a new instruction's configuration counts, part by part."""

from dataclasses import dataclass

from amaranth.hdl import Value


@dataclass(frozen=True)
class Takes:
    """When the parts behind the walker take an instruction's configuration."""

    vector: Value
    """A vector instruction starts; nothing else is under way."""
    begun: list[Value]
    """An array instruction started 0, 1, .. cycles ago."""

    def at(self, distance: int) -> Value:
        """For a part the first element reaches ``distance`` cycles or more after its request."""
        return self.vector | self.begun[distance]
