"""Affine integers: int<N> and uint<N>, the value of code q is scale (q - zero_point)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.element import Codes
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.layout import Rows, part_of, spread
from bitwright.arith.nearest import (
    Overflow,
    Real,
    as_float,
    as_overflow,
    reject_nan,
    round_half_even,
    to_codes,
)
from bitwright.arith.reductions import extremes_of_rows, finite_extremes
from bitwright.arith.rounding import Rounding, as_rounding
from bitwright.arith.scales import broadcast_shape, given_scale
from bitwright.arith.tiles import TILE, Scratch, Tile, for_each_tile, tiles
from bitwright.arith.uniform import Uniform

MIN_BITS, MAX_BITS = 2, 16


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """The shared part: value = scale (q - zero_point), per tensor or per channel."""

    scale: Real
    """Positive and normal, in the type of the values; shaped to broadcast against the codes."""
    zero_point: Integers
    """A code; shaped likewise."""


@dataclass(frozen=True, slots=True)
class Integer(Format[Affine]):
    """Two's complement or unsigned integers q with value scale (q - zero_point).

    >>> Integer(8).encode([-1.0, 0.5, 0.25], scale=0.25).codes
    array([-4,  2,  1], dtype=int8)
    """

    bits: int = field()  # not the property of the base
    signed: bool = True

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(u?)int(0|[1-9]\d*)")
    family: ClassVar[str] = f"int<N> and uint<N> (N {MIN_BITS}..{MAX_BITS})"

    def __post_init__(self) -> None:
        if not MIN_BITS <= self.bits <= MAX_BITS:
            raise ValueError(
                f"int<N> and uint<N> have N in {MIN_BITS}..{MAX_BITS}, but N is {self.bits}"
            )

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[2]), signed=not match[1])

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give every name."""
        for prefix in ("int", "uint"):
            yield from (f"{prefix}{bits}" for bits in range(MIN_BITS, MAX_BITS + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    @property
    def element(self) -> Uniform:
        """The codes themselves: scale 1 and zero point 0."""
        low = -(1 << (self.bits - 1)) if self.signed else 0
        return Uniform(low, low + (1 << self.bits) - 1)

    def encode(
        self,
        x: ArrayLike,
        axis: int = -1,
        *,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike | None = None,
        channel_axis: int | None = None,
        narrow: bool | None = None,
        rounding: Rounding | str = Rounding.HALF_EVEN,
        overflow: Overflow | str = Overflow.SATURATE,
    ) -> Encoded[Affine]:
        """Give codes zero_point + round(x / scale), saturated or wrapped; ``axis`` is unused.

        ``scale`` and ``zero_point`` (0 unless given) are numbers or, with ``channel_axis``, vectors
        along that axis; the scale is taken as x's float type. Left out, int<N> takes
        amax / (2^(N-1)-1), per tensor or per channel of ``channel_axis``, and uint<N> spans
        min(x, 0)..max(x, 0) with the zero point nearest to -min / scale; infinities do not count,
        and where all is zero the scale is 1. ``narrow`` leaves out the code -2^(N-1) of int<N>, by
        default just where the scale is left out (symmetric weights); wrapping reaches every code.

        Raises ValueError for NaN (with its first index), a scale that is not positive, finite and
        normal or makes values overflow, a zero point out of range, shapes that do not match and
        unknown options; TypeError for data that are not real numbers.
        """
        plan = self._prepare(
            x,
            axis,
            scale=scale,
            zero_point=zero_point,
            channel_axis=channel_axis,
            narrow=narrow,
            rounding=rounding,
            overflow=overflow,
        )
        out = np.empty(plan.rows.matrix.shape, self.code_dtype)

        def work(tile: Tile, scratch: Scratch) -> None:
            steps = self._steps(plan, tile, scratch)
            steps += part_of(plan.zero_point, tile).astype(steps.dtype)
            out[tile.rows, tile.columns] = steps

        for_each_tile(work, tiles(out.shape))
        codes = plan.rows.restore(out)
        return Encoded(format=self, codes=codes, shared=plan.shared, dtype=plan.scale.dtype)

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the values nearest to ``x``; the options are those of `encode`."""
        plan = self._prepare(x, axis, **options)
        out = np.empty(plan.rows.matrix.shape, plan.scale.dtype)

        def work(tile: Tile, scratch: Scratch) -> None:
            steps = self._steps(plan, tile, scratch)
            steps += 0  # -0.0 + 0.0 = 0.0: integers have one zero
            scale = part_of(plan.scale, tile)
            np.multiply(steps, scale, out=out[tile.rows, tile.columns], casting="same_kind")

        for_each_tile(work, tiles(out.shape))
        return plan.rows.restore(out)

    def decode_codes(self, codes: Codes, shared: Affine, dtype: np.dtype[Any]) -> Real:
        """Give scale (q - zero_point): an exact difference, one product rounded to ``dtype``."""
        # |q - zero_point| < 2^17: exact in float32.
        offset: Real = np.subtract(codes, shared.zero_point, dtype=dtype, casting="unsafe")
        offset *= shared.scale.astype(dtype)
        return np.asarray(offset)

    def _prepare(
        self,
        x: ArrayLike,
        axis: int,
        *,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike | None = None,
        channel_axis: int | None = None,
        narrow: bool | None = None,
        rounding: Rounding | str = Rounding.HALF_EVEN,
        overflow: Overflow | str = Overflow.SATURATE,
    ) -> "_Plan":
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        if channel_axis is not None:
            channel_axis = check_axis("channel_axis", channel_axis, real.ndim)
        mode = as_overflow(overflow)
        low = self.code_low + self._narrows(narrow, scale, mode)
        rows = Rows.flat(real) if channel_axis is None else Rows.channels(real, channel_axis)
        by_tile = (
            scale is None and channel_axis == 0 < real.ndim - 1 and 0 < rows.matrix.shape[1] <= TILE
        )
        if scale is not None:
            shared = self._given(real, scale, zero_point, channel_axis)
        elif zero_point is not None:
            raise ValueError("zero_point needs a scale; leave both out to have them derived")
        elif by_tile:
            shape = (len(real), *(1 for _ in real.shape[1:]))
            shared = Affine(np.ones(shape, real.dtype), np.zeros(shape, np.int64))
        else:
            shared = self._derive(*finite_extremes(real, channel_axis))
        self._check_values(shared, low)
        return _Plan(
            rows=rows,
            shared=shared,
            scale=spread(shared.scale, real, channel_axis, rows),
            zero_point=spread(shared.zero_point, real, channel_axis, rows),
            by_tile=by_tile,
            low=low,
            rounding=as_rounding(rounding),
            overflow=mode,
        )

    def _steps(self, plan: "_Plan", tile: Tile, scratch: Scratch) -> Real:
        """Give a tile's codes minus the zero point, as floats."""
        part = plan.rows.matrix[tile.rows, tile.columns]
        if plan.by_tile:
            derived = self._derive(*extremes_of_rows(part, plan.rows.source))
            self._check_values(derived, plan.low)
            plan.scale[tile.rows, 0] = derived.scale
            plan.zero_point[tile.rows, 0] = derived.zero_point
        scale, zero_point = part_of(plan.scale, tile), part_of(plan.zero_point, tile)
        low, high = plan.low, self.code_high
        if part.dtype == np.float32 and plan.saturates_half_even:
            rounded = round_half_even(part, scale, plan.rows.source, scratch)
            offset = zero_point.astype(rounded.dtype)
            return np.clip(rounded, low - offset, high - offset, out=rounded)
        if np.isnan(part).any():
            reject_nan("x", plan.rows.source)
        codes = to_codes(part, scale, zero_point, low, high, plan.rounding, plan.overflow)
        codes -= zero_point
        return codes

    def _narrows(self, narrow: bool | None, scale: ArrayLike | None, overflow: Overflow) -> bool:
        if narrow and (not self.signed or overflow is Overflow.WRAP):
            raise ValueError(f"narrow is for signed codes that saturate, not {self}, {overflow}")
        wanted = scale is None if narrow is None else narrow
        return wanted and self.signed and overflow is Overflow.SATURATE

    def _derive(self, least: Real, greatest: Real) -> Affine:
        dtype = least.dtype
        steps = dtype.type(self.code_high)
        if self.signed:
            spans = np.maximum(greatest, -least)
            scale = spans / steps
            with np.errstate(over="ignore"):
                # The quotient rounded up may overflow at the greatest code; its neighbour cannot.
                scale = np.where(np.isinf(scale * steps), np.nextafter(scale, 0), scale)
        else:
            scale = greatest / steps - least / steps  # two quotients: the span may overflow
        tiny = np.finfo(dtype).tiny
        scale = np.where(greatest == least, 1, np.maximum(scale, tiny)).astype(dtype)
        zero_point = np.zeros(scale.shape, np.int64)
        if not self.signed:
            zero_point = to_codes(
                -least, scale, None, 0, self.code_high, Rounding.HALF_EVEN, Overflow.SATURATE
            ).astype(np.int64)
        return Affine(scale, zero_point)

    def _given(
        self, x: Real, scale: ArrayLike, zero_point: ArrayLike | None, channel_axis: int | None
    ) -> Affine:
        rounded = given_scale(scale, x.dtype)
        offsets = as_integers("zero_point", 0 if zero_point is None else zero_point)
        check_range("zero_point", offsets, self.code_low, self.code_high)
        shape = broadcast_shape("scale", rounded, x, channel_axis)
        offset_shape = broadcast_shape("zero_point", offsets, x, channel_axis)
        return Affine(rounded.reshape(shape), offsets.reshape(offset_shape))

    def _check_values(self, shared: Affine, low: int) -> None:
        """Raise ValueError if a code's value overflows: no value is ever infinite."""
        reach = np.maximum(shared.zero_point - low, self.code_high - shared.zero_point)
        with np.errstate(over="ignore"):
            ends = shared.scale * reach.astype(shared.scale.dtype)
        if np.isinf(ends).any():
            raise ValueError(
                f"a scale of {float(shared.scale.max())!r} makes values of {self} overflow "
                f"{shared.scale.dtype}; scale the data down"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What encoding an array comes down to."""

    rows: Rows
    shared: Affine
    scale: Real
    """The shared part's, shaped to broadcast against the matrix; so is the zero point."""
    zero_point: Integers
    by_tile: bool
    """Whether a tile is rows with a scale each, still to be derived: while they are in the cache.

    Scale and zero point are then views of the shared part's, which the tiles fill in.
    """
    low: int
    rounding: Rounding
    overflow: Overflow

    @property
    def saturates_half_even(self) -> bool:
        """Whether this is the usual case, which has a fast way."""
        return self.overflow is Overflow.SATURATE and self.rounding is Rounding.HALF_EVEN
