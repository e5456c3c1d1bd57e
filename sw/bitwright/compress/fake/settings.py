"""What a `FakeQuantize` is told, checked before anything is built."""

import inspect
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith import Format
from bitwright.compress.fake.catalogue import twin_class
from bitwright.compress.fake.observers import Observer
from bitwright.compress.fake.twin import Twin

_LISTED = 4
"""Numbers of a vector that its repr lists; longer ones are given by their shape."""


class State(StrEnum):
    """What an observed module does with its input."""

    OBSERVE = "observe"
    """Watches it, and gives it unchanged."""
    FAKE = "fake"
    """Quantizes it; watches it first in training mode."""
    FROZEN = "frozen"
    """Quantizes it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settings:
    """The arguments of `FakeQuantize`, which says what they mean."""

    fmt: Format[Any]
    axis: int = -1
    channel_axis: int | None = None
    channels: int | None = None
    scale: ArrayLike | None = None
    zero_point: ArrayLike | None = None
    centroids: ArrayLike | None = None
    narrow: bool | None = None
    learned: bool = False
    observer: Observer | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.fmt, Format):
            raise TypeError(f"fmt must be a format or its name, not {type(self.fmt).__name__}")
        asks = isinstance(self.scale, str) and self.scale == "channel"
        if asks and self.channel_axis is None:
            object.__setattr__(self, "channel_axis", 0)
        self._check_source()
        self._check_channels()
        self._check_with_numpy()

    @property
    def parameter(self) -> str | None:
        """What the format's shared parameter is called, "scale" or "centroids"; None without."""
        accepted = _options(self.fmt)
        return next((name for name in ("scale", "centroids") if name in accepted), None)

    @property
    def given(self) -> NDArray[np.float32] | None:
        """The shared parameter, if its value is given: one per channel if they are counted."""
        value = self.centroids if self.scale is None else self.scale
        if value is None or isinstance(value, str):
            return None
        array = np.asarray(value, np.float32)
        return np.full(self.channels, array) if self.channels and not array.ndim else array

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is given, learned or observed."""
        if self.given is not None:
            return self.given.shape
        if self.parameter == "centroids" and self.observer is None:
            return (self.fmt.code_high + 1,)
        return () if self.channels is None else (self.channels,)

    def twin(self) -> Twin[Any]:
        """Give the format's torch side with these options."""
        derived = self.given is None and not self.learned
        return twin_class(self.fmt)(
            self.fmt,
            axis=self.axis,
            channel_axis=self.channel_axis,
            narrow=derived if self.narrow is None else self.narrow,
            mean=isinstance(self.scale, str),
            learned=self.learned,
        )

    def __str__(self) -> str:
        """Give the format and all arguments that are not the default."""
        parts = [str(self.fmt)]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value is None or value is field.default:
                continue
            if not isinstance(value, int | float | str | Observer):
                array = np.asarray(value)
                few = array.size <= _LISTED
                value = array.tolist() if few else f"<{'x'.join(map(str, array.shape))} numbers>"
            parts.append(f"{field.name}={value}")
        return ", ".join(parts)

    def _check_source(self) -> None:
        """Raise ValueError unless there is just one source of the shared part."""
        if self.learned and self.parameter is None:
            raise ValueError(f"{self.fmt} has no scale or centroids to learn")
        if self.observer is None:
            return
        if not twin_class(self.fmt).has_range:
            raise ValueError(
                f"{self.fmt} takes nothing from a range: observers are for int<N>, uint<N>, "
                "pow<N> and codebook<K>"
            )
        if self.learned or self.scale is not None or self.centroids is not None:
            raise ValueError(f"the {self.parameter} is either given, learned or observed")

    def _check_channels(self) -> None:
        """Raise ValueError unless the number of channels is known where it must be."""
        if self.channels is not None and (self.channel_axis is None or self.channels < 1):
            raise ValueError(
                f"channels counts those of channel_axis, at least 1, but is {self.channels} with "
                f"channel_axis {self.channel_axis}"
            )
        if self.channel_axis is None or self.channels is not None:
            return
        if self.given is None and (self.learned or self.observer is not None):
            raise ValueError(
                f"channels must say how many there are along axis {self.channel_axis}: what is "
                "learned or observed is made before the first tensor comes"
            )

    def _check_with_numpy(self) -> None:
        """Raise what ``fmt.quantize`` raises for these options, on zeros of a shape that fits."""
        options = {
            name: getattr(self, name)
            for name in ("channel_axis", "scale", "zero_point", "centroids", "narrow")
            if getattr(self, name) is not None
        }
        accepted = _options(self.fmt)
        for name in options:
            if name not in accepted:
                known = ", ".join(sorted(accepted)) or "none"
                raise ValueError(f"{self.fmt} has no {name}; options of its own: {known}")
        if self.learned and "zero_point" in options:
            options.setdefault("scale", 1.0)
        shape = [1]
        if self.channel_axis is not None:
            shape = [1] * max(self.channel_axis + 1, -self.channel_axis)
            sizes = [np.size(options.get(name, 0)) for name in ("scale", "zero_point")]
            shape[self.channel_axis] = self.channels or max(sizes)
        self.fmt.quantize(np.zeros(shape, np.float32), **options)


def _options(fmt: Format[Any]) -> frozenset[str]:
    """Give the names of the options of the format's ``encode``."""
    parameters = inspect.signature(fmt.encode).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
