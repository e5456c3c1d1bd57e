"""Fixed point: fix<N>.<F> and ufix<N>.<F>, the value of code q is q 2^-F."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.element import Codes
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import FLOAT64, Unscaled, quantize_rows
from bitwright.arith.layout import Rows
from bitwright.arith.nearest import Overflow, Real, as_float, as_overflow, as_real, to_codes
from bitwright.arith.rounding import Rounding, as_rounding
from bitwright.arith.uniform import Uniform

MAX_BITS = 32
MAX_FRACTION = 96
_FLOAT32_BITS = 24


@dataclass(frozen=True, slots=True)
class Fixed(Format[None]):
    """Two's complement or unsigned integers q with value q 2^-fraction.

    ``fraction`` may be negative or exceed ``bits``.

    >>> Fixed(8, 7).quantize([0.5, 1.0, -2.0, 0.005859375])  # 0.75/128 rounds to 1/128
    array([ 0.5      ,  0.9921875, -1.       ,  0.0078125])
    """

    bits: int = field()  # not the property of the base
    fraction: int
    signed: bool = True

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(u?)fix(0|[1-9]\d*)\.(0|-?[1-9]\d*)")
    family: ClassVar[str] = (
        f"fix<N>.<F> (N 2..{MAX_BITS}) and ufix<N>.<F> (N 1..{MAX_BITS}), "
        f"F {-MAX_FRACTION}..{MAX_FRACTION}"
    )

    def __post_init__(self) -> None:
        least = 2 if self.signed else 1
        if not least <= self.bits <= MAX_BITS:
            kind = "fix" if self.signed else "ufix"
            raise ValueError(f"{kind}<N>.<F> has N in {least}..{MAX_BITS}, but N is {self.bits}")
        # Every value of up to 24 bits is then normal in float32: 2^24 2^96 = 2^120.
        if abs(self.fraction) > MAX_FRACTION:
            raise ValueError(
                f"fix<N>.<F> has F in {-MAX_FRACTION}..{MAX_FRACTION}, but F is {self.fraction}"
            )

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched."""
        return cls(int(match[2]), int(match[3]), signed=not match[1])

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the names with 0 <= F <= N."""
        for prefix, least in (("fix", 2), ("ufix", 1)):
            for bits in range(least, MAX_BITS + 1):
                yield from (f"{prefix}{bits}.{fraction}" for fraction in range(bits + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        return f"{'fix' if self.signed else 'ufix'}{self.bits}.{self.fraction}"

    @property
    def element(self) -> Uniform:
        """Steps of 2^-F."""
        low = -(1 << (self.bits - 1)) if self.signed else 0
        return Uniform(low, low + (1 << self.bits) - 1, self.fraction)

    def encode(
        self,
        x: ArrayLike,
        axis: int = -1,
        *,
        rounding: Rounding | str = Rounding.HALF_EVEN,
        overflow: Overflow | str = Overflow.SATURATE,
    ) -> Encoded[None]:
        """Give codes round(x 2^F), saturated or wrapped; nothing is shared, ``axis`` is unused.

        Values are float32 if ``x`` is and N <= 24, so that they are exact, else float64.

        Raises ValueError for NaN (with its first index) and unknown options; TypeError for data
        that are not real numbers.
        """
        real = as_real("x", x)
        check_axis("axis", axis, real.ndim)
        step = np.asarray(self.min_step, real.dtype)  # a power of two: exact
        codes = to_codes(
            real,
            step,
            None,
            self.code_low,
            self.code_high,
            as_rounding(rounding),
            as_overflow(overflow),
        )
        return Encoded(
            format=self,
            codes=codes.astype(self.code_dtype),
            shared=None,
            dtype=self._dtype(real),
        )

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest values; the options are those of `encode`."""
        if options:
            return self.encode(x, axis, **options).decode()
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        rows = Rows.flat(real)
        return rows.restore(quantize_rows(self.element, rows, Unscaled(), self._dtype(real)))

    def _dtype(self, x: Real) -> np.dtype[Any]:
        return x.dtype if self.bits <= _FLOAT32_BITS else FLOAT64

    def decode_codes(self, codes: Codes, shared: None, dtype: np.dtype[Any]) -> Real:
        """Give q 2^-F, exact."""
        values = np.multiply(codes, dtype.type(self.min_step), dtype=dtype, casting="unsafe")
        return np.asarray(values)
