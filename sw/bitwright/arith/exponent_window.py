"""The window of shared exponents that calibration gives a layer's activations.

Accumulators are proved wide enough for exponents up to the window's upper end. A block with a
greater one takes that end instead, its elements saturate, and the event is counted. Below the lower
end a block takes the lower end, and its elements lose what is below their step.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.block import BlockFormat
from bitwright.arith.exponents import GREATEST, LEAST, power
from bitwright.arith.format import Encoded
from bitwright.arith.kernel import Scaling, encode_rows
from bitwright.arith.layout import Rows
from bitwright.arith.nearest import Real, as_float
from bitwright.arith.tiles import Scratch, Tile


@dataclass(frozen=True, slots=True)
class ExponentWindow:
    """Shared exponents low..high."""

    low: int = LEAST
    high: int = GREATEST

    def __post_init__(self) -> None:
        if not LEAST <= self.low <= self.high <= GREATEST:
            raise ValueError(
                f"an exponent window must lie in {LEAST}..{GREATEST}, but is "
                f"{self.low}..{self.high}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windowed:
    """An array encoded within a window."""

    encoded: Encoded[Any]
    saturated: int
    """Blocks whose exponent was above the window."""


def encode_within(
    fmt: BlockFormat, x: ArrayLike, window: ExponentWindow, axis: int = -1
) -> Windowed:
    """Do ``fmt.encode(x, axis)`` with shared exponents clamped to the window.

    An all-zero block has the window's least exponent. The largest float32 has exponent 127, beyond
    which no shared exponent goes and none is counted.

    >>> from bitwright.arith import parse
    >>> found = encode_within(parse("bfp4_b2"), [1.0, 0.25, 20.0, 3.0], ExponentWindow(-1, 1))
    >>> found.encoded.decode(), found.saturated  # step 1/2 in the second block: 20 becomes 7/2
    (array([1.  , 0.25, 3.5 , 3.  ]), 1)
    """
    encoded = fmt.encode(x, axis)
    natural = encoded.shared.exponents
    exponents = natural.clip(window.low, window.high)
    saturated = int(np.count_nonzero(natural > window.high))
    if (exponents == natural).all():
        return Windowed(encoded=encoded, saturated=saturated)
    rows = Rows.along(as_float("x", x), encoded.shared.axis)
    per_row = np.moveaxis(exponents, encoded.shared.axis, -1).reshape(len(rows.matrix), -1)
    given = _Given(block=fmt.block, exponents=per_row)
    codes = rows.restore_along(encode_rows(fmt.element, rows, given)).reshape(encoded.codes.shape)
    shared = replace(encoded.shared, exponents=exponents)
    return Windowed(encoded=replace(encoded, codes=codes, shared=shared), saturated=saturated)


@dataclass(slots=True, kw_only=True)
class _Given(Scaling):
    """2^exponent with an exponent per block, (rows, blocks)."""

    block: int
    exponents: NDArray[np.integer[Any]]

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real:
        first = tile.columns.start // self.block
        exponent = self.exponents[tile.rows, first : first + v.shape[1]]
        v *= power(-exponent, v.dtype)[:, :, np.newaxis]
        return power(exponent, v.dtype)[:, :, np.newaxis]
