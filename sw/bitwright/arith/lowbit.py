"""binary and ternary: one or two bits per element, with a real scale if asked for."""

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.element import Codes
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import Scaling, encode_rows, quantize_rows
from bitwright.arith.layout import Rows, part_of, spread
from bitwright.arith.nearest import Real, as_float
from bitwright.arith.reductions import sums
from bitwright.arith.scales import (
    broadcast_shape,
    floor_float,
    given_scale,
    nearest_float,
)
from bitwright.arith.sign import Sign
from bitwright.arith.tiles import Scratch, Tile
from bitwright.arith.uniform import Uniform

TERNARY_THRESHOLD = Fraction(7, 10)
"""Of the mean magnitude: up to here a number becomes zero."""
_SCOPES = ("tensor", "channel")


@dataclass(frozen=True, slots=True, eq=False)
class RealScale:
    """The shared part: value = scale times element, per tensor or per channel."""

    scale: Real
    """Positive and normal, in the type of the values; shaped to broadcast against the codes."""


@dataclass(slots=True, kw_only=True)
class _Threshold(Scaling):
    """Scales that multiply what is thresholded: magnitudes above the threshold become 1."""

    scale: Real
    threshold: Real | None

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real:
        if self.threshold is not None:
            kept = np.abs(v) > part_of(self.threshold, tile)[:, :, np.newaxis]
            np.sign(v, out=v)
            v *= kept
        return part_of(self.scale, tile)[:, :, np.newaxis]


class LowBit(Format[RealScale]):
    """Formats whose codes do not depend on the scale, which is 1 unless asked for."""

    def encode(
        self,
        x: ArrayLike,
        axis: int = -1,
        *,
        scale: ArrayLike | str | None = None,
        channel_axis: int | None = None,
    ) -> Encoded[RealScale]:
        """Give codes and scale; ``axis`` is checked and unused.

        ``scale`` is 1, a number or a vector along ``channel_axis``, or "tensor" or "channel" (of
        ``channel_axis``, the first unless given) for the mean that suits the numbers: it is their
        exact mean rounded once, infinities left out, and 1 where all are zero.

        Raises ValueError for NaN, with its first index, a scale that is not positive, finite and
        normal, unknown scopes and axes that x does not have; TypeError for data that are not real.
        """
        real, rows, scaling, shared = self._prepare(x, axis, scale=scale, channel_axis=channel_axis)
        codes = rows.restore(encode_rows(self.element, rows, scaling))
        return Encoded(format=self, codes=codes, shared=shared, dtype=real.dtype)

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest values; the options are those of `encode`."""
        real, rows, scaling, _ = self._prepare(x, axis, **options)
        return rows.restore(quantize_rows(self.element, rows, scaling, real.dtype))

    def decode_codes(self, codes: Codes, shared: RealScale, dtype: np.dtype[Any]) -> Real:
        """Give scale times element: a sign change, exact."""
        return np.asarray(self.element.decode(codes, dtype) * shared.scale.astype(dtype))

    @abstractmethod
    def _thresholds(self, x: Real, channel_axis: int | None) -> Real | None:
        """Give the magnitude up to which numbers become zero, per channel; None if none does."""

    def _prepare(
        self,
        x: ArrayLike,
        axis: int,
        *,
        scale: ArrayLike | str | None = None,
        channel_axis: int | None = None,
    ) -> tuple[Real, Rows, Scaling, RealScale]:
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        channel = self._channel(scale, channel_axis, real.ndim)
        thresholds = self._thresholds(real, channel)
        if scale is None:
            factor = np.ones((), real.dtype)
        elif isinstance(scale, str):
            factor = _means(real, channel, thresholds)
        else:
            factor = given_scale(scale, real.dtype)
        shape = broadcast_shape("scale", factor, real, channel)
        rows = Rows.flat(real) if channel is None else Rows.channels(real, channel)
        if thresholds is not None:
            thresholds = spread(thresholds, real, channel, rows)
        scaling = _Threshold(scale=spread(factor, real, channel, rows), threshold=thresholds)
        return real, rows, scaling, RealScale(factor.reshape(shape))

    def _channel(
        self, scale: ArrayLike | str | None, channel_axis: int | None, ndim: int
    ) -> int | None:
        if isinstance(scale, str):
            if scale not in _SCOPES:
                raise ValueError(
                    f"unknown scale {scale!r}; accepted: a number, a vector along channel_axis, "
                    f"{', '.join(_SCOPES)}"
                )
            if scale == "tensor" and channel_axis is not None:
                raise ValueError("scale 'tensor' has no channel_axis; scale 'channel' has one")
            if scale == "channel":
                channel_axis = 0 if channel_axis is None else channel_axis
        if channel_axis is None:
            return None
        return check_axis("channel_axis", channel_axis, ndim)


@dataclass(frozen=True, slots=True)
class Binary(LowBit):
    """binary: +1 for x >= 0, else -1, times a scale: 1, or the mean of abs(x).

    >>> Binary().quantize([0.5, -3.0, 0.0], scale="tensor")
    array([ 1.16666667, -1.16666667,  1.16666667])
    """

    pattern: ClassVar[re.Pattern[str]] = re.compile("binary")
    family: ClassVar[str] = "binary"

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format."""
        return cls()

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the name."""
        yield "binary"

    def __str__(self) -> str:
        """Give the canonical name."""
        return "binary"

    @property
    def element(self) -> Sign:
        """-1 and +1."""
        return Sign()

    def _thresholds(self, x: Real, channel_axis: int | None) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Ternary(LowBit):
    """ternary: -1, 0 or +1, zero where abs(x) <= 0.7 mean(abs(x)), times a scale.

    The mean is the tensor's or, with ``channel_axis`` or scale "channel", the channel's; 0.7 of it
    is compared exactly. The scale is 1, or the mean of abs(x) over the kept. Codes are two's
    complement, and -2 is none.

    >>> Ternary().quantize([0.5, -3.0, 1.5, 0.0], scale="tensor")  # threshold 0.875
    array([ 0.  , -2.25,  2.25,  0.  ])
    """

    pattern: ClassVar[re.Pattern[str]] = re.compile("ternary")
    family: ClassVar[str] = "ternary"

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format."""
        return cls()

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the name."""
        yield "ternary"

    def __str__(self) -> str:
        """Give the canonical name."""
        return "ternary"

    @property
    def element(self) -> Uniform:
        """-1, 0 and +1."""
        return Uniform(-1, 1)

    def _thresholds(self, x: Real, channel_axis: int | None) -> Real:
        totals, counts = sums(x, channel_axis)
        exact = [TERNARY_THRESHOLD * t / max(n, 1) for t, n in zip(totals, counts, strict=True)]
        return np.asarray([floor_float(value, x.dtype) for value in exact], x.dtype)


def _means(x: Real, channel_axis: int | None, above: Real | None) -> Real:
    """Give the mean of finite magnitudes beyond ``above``, rounded once; 1 where there is none."""
    totals, counts = sums(x, channel_axis, above)
    means = [
        nearest_float(t / n, x.dtype) if t else x.dtype.type(1)
        for t, n in zip(totals, counts, strict=True)
    ]
    factors = np.maximum(np.asarray(means, x.dtype), np.finfo(x.dtype).tiny)
    return factors.reshape(()) if channel_axis is None else factors
