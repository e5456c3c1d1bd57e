"""pow<N>: powers of two with one static bias per tensor or channel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.block_families import MAX_LOG_BITS, check_width, power_of_two_element
from bitwright.arith.element import Codes
from bitwright.arith.exponents import GREATEST, LEAST, nearest_exponent, power
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import FLOAT64, Scaling, encode_rows, quantize_rows
from bitwright.arith.layout import Rows, part_of, spread
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.nearest import Real, as_float, as_real
from bitwright.arith.reductions import finite_extremes
from bitwright.arith.scales import broadcast_shape
from bitwright.arith.tiles import Scratch, Tile


@dataclass(frozen=True, slots=True, eq=False)
class StaticExponent:
    """The shared part: value = element 2^exponent, per tensor or per channel."""

    exponent: NDArray[np.int16]
    """In -127..127; shaped to broadcast against the codes."""


@dataclass(slots=True, kw_only=True)
class _Given(Scaling):
    """2^exponent."""

    exponent: NDArray[np.int16]
    """One for all rows or one per row, and likewise for columns."""

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real:
        exponent = part_of(self.exponent, tile)[:, :, np.newaxis]
        v *= power(-exponent, v.dtype)
        return power(exponent, v.dtype)


@dataclass(frozen=True, slots=True)
class PowerOfTwo(Format[StaticExponent]):
    """pow<N>: a sign and N-1 exponent bits e, 0 for zero; value +-2^(e-B).

    The scale is the value 2^X of the top code, and B = (2^(N-1)-1) - X, X in -127..127.

    >>> PowerOfTwo(3).quantize([3.5, 3.0, 1.4, 0.6], scale=4)  # 3 is a tie, to e = 2
    array([4., 2., 1., 1.])
    """

    width: int

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"pow(0|[1-9]\d*)")
    family: ClassVar[str] = f"pow<N> (N 2..{MAX_LOG_BITS})"

    def __post_init__(self) -> None:
        check_width("pow<N>", self.width, MAX_LOG_BITS)

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[1]))

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give every name."""
        yield from (f"pow{width}" for width in range(2, MAX_LOG_BITS + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"pow{self.width}"

    @property
    def element(self) -> Minifloat:
        """Zero and the powers of two up to 1."""
        return power_of_two_element(self.width)

    def encode(
        self,
        x: ArrayLike,
        axis: int = -1,
        *,
        scale: ArrayLike | None = None,
        channel_axis: int | None = None,
    ) -> Encoded[StaticExponent]:
        """Give codes of the nearest values: ties to the even code, saturated; ``axis`` is unused.

        ``scale`` is a power of two 2^-127..2^127 or, with ``channel_axis``, a vector of them. Left
        out, it is the power of two nearest to the greatest finite magnitude (ties up) of the tensor
        or of each channel of ``channel_axis``, and 2^-127 where all is zero.

        Raises ValueError for NaN, with its first index, a scale that is no such power and axes that
        x does not have; TypeError for data that are not real numbers.
        """
        real, rows, scaling, shared = self._prepare(x, axis, scale=scale, channel_axis=channel_axis)
        codes = rows.restore(encode_rows(self.element, rows, scaling))
        return Encoded(format=self, codes=codes, shared=shared, dtype=real.dtype)

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest values; the options are those of `encode`."""
        real, rows, scaling, _ = self._prepare(x, axis, **options)
        return rows.restore(quantize_rows(self.element, rows, scaling, real.dtype))

    def decode_codes(self, codes: Codes, shared: StaticExponent, dtype: np.dtype[Any]) -> Real:
        """Give element 2^exponent, exact for all that `encode` gives."""
        wide = dtype if self.element.fits(dtype) else FLOAT64
        values = self.element.decode(codes, wide) * power(shared.exponent, wide)
        return np.asarray(values.astype(dtype))

    def _prepare(
        self,
        x: ArrayLike,
        axis: int,
        *,
        scale: ArrayLike | None = None,
        channel_axis: int | None = None,
    ) -> tuple[Real, Rows, Scaling, StaticExponent]:
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        if channel_axis is not None:
            channel_axis = check_axis("channel_axis", channel_axis, real.ndim)
        if scale is None:
            low, high = finite_extremes(real, channel_axis)
            exponent = nearest_exponent(np.maximum(high, -low)).clip(LEAST, GREATEST)
            shape = exponent.shape
        else:
            exponent = _exponents(as_real("scale", scale))
            shape = broadcast_shape("scale", exponent, real, channel_axis)
        rows = Rows.flat(real) if channel_axis is None else Rows.channels(real, channel_axis)
        narrow = exponent.astype(np.int16)
        scaling = _Given(exponent=spread(narrow, real, channel_axis, rows))
        return real, rows, scaling, StaticExponent(narrow.reshape(shape))


def _exponents(scale: Real) -> NDArray[np.int64]:
    mantissa, exponent = np.frexp(scale)
    offends = (mantissa != 0.5) | (exponent - 1 < LEAST) | (exponent - 1 > GREATEST)
    if offends.any():
        value = float(scale[offends][0])
        raise ValueError(
            f"the scale of pow<N> must be a power of two 2^{LEAST}..2^{GREATEST}, but is {value!r}"
        )
    return np.asarray(exponent.astype(np.int64) - 1)
