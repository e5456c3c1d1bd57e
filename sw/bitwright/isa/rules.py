"""What a key of an architecture accepts: each rule tells values, and says what it accepts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer of ``low`` to ``high``; ``none`` (0) leaves out what it is the size of."""

    low: int
    high: int
    none: bool = False
    power: bool = False
    """Only powers of two."""

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        if self.none and value == 0:
            return True
        return self.low <= value <= self.high and not (self.power and value & (value - 1))

    def __str__(self) -> str:
        """What is accepted."""
        kind = "a power of two " if self.power else "0 or " if self.none else ""
        return f"{kind}in {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        return value in self.names

    def __str__(self) -> str:
        """What is accepted."""
        return f"one of {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Some:
    """A tuple of names, one or more."""

    names: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is such a tuple."""
        known = isinstance(value, tuple) and all(name in self.names for name in value)
        return known and value != ()

    def __str__(self) -> str:
        """What is accepted."""
        return f"a list of one or more of {', '.join(self.names)}"


class Truth:
    """True or false."""

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        return isinstance(value, bool)

    def __str__(self) -> str:
        """What is accepted."""
        return "true or false"


class Text:
    """Text that is not empty."""

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is that."""
        return isinstance(value, str) and value != ""

    def __str__(self) -> str:
        """What is accepted."""
        return "text"


Rule = Integer | OneOf | Some | Truth | Text
