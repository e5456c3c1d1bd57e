"""nvfp4: e2m1 elements under two levels of scales."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.block import expand, greatest_magnitude
from bitwright.arith.element import Codes
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.kernel import Scaling, encode_rows, quantize_rows
from bitwright.arith.layout import Rows
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.nearest import Real, as_float
from bitwright.arith.packing import Bytes
from bitwright.arith.reductions import finite_extremes
from bitwright.arith.scalar import finite_minifloat, fp8_element
from bitwright.arith.scales import nearest_float
from bitwright.arith.tiles import Scratch, Tile

BLOCK = 16
_ELEMENT, _SCALE = finite_minifloat(2, 1), fp8_element(4)
_FLOAT32 = np.finfo(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevelScale:
    """The shared part: value = element block_scale tensor_scale."""

    block_codes: NDArray[np.uint8]
    """fp8_e4m3 codes, shaped as the codes, but along ``axis`` one per block."""
    tensor_scale: NDArray[np.float32]
    """Positive and normal."""
    axis: int
    """Counted from the front."""


@dataclass(frozen=True, slots=True)
class Nvfp4(Format[TwoLevelScale]):
    """nvfp4: e2m1, an fp8_e4m3 scale per 16 elements, a float32 scale t per tensor.

    t = amax / (6 448), rounded to nearest, of the tensor's greatest finite magnitude (up to
    float32's), at least 2^-126 and 1 where all is zero. A block's scale is the fp8_e4m3 nearest to
    its amax / (6 t), an element the e2m1 nearest to x / (block scale t): both quotients exact.
    Where the block scale is 0 its elements are zeros. Decoding rounds once, at the product with t.

    >>> Nvfp4().quantize([2688.0, 700.0, 200.0, -0.0])  # t = 1, block scale 448
    array([2688.,  672.,  224.,   -0.])
    """

    pattern: ClassVar[re.Pattern[str]] = re.compile("nvfp4")
    family: ClassVar[str] = "nvfp4"

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format."""
        return cls()

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the name."""
        yield "nvfp4"

    def __str__(self) -> str:
        """Give the canonical name."""
        return "nvfp4"

    @property
    def element(self) -> Minifloat:
        """e2m1."""
        return _ELEMENT

    def encode(self, x: ArrayLike, axis: int = -1) -> Encoded[TwoLevelScale]:
        """Give codes, the scales of blocks along ``axis`` and the tensor's scale.

        Raises ValueError for NaN, with its first index, and an axis that x does not have; TypeError
        for data that are not real numbers.
        """
        real, rows, scaling = self._prepare(x, axis)
        codes = rows.restore_along(encode_rows(_ELEMENT, rows, scaling)).reshape(real.shape)
        shared = TwoLevelScale(
            rows.restore_along(scaling.block_codes), scaling.tensor_scale, rows.axis
        )
        return Encoded(format=self, codes=codes, shared=shared, dtype=real.dtype)

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest values, as `encode` does."""
        real, rows, scaling = self._prepare(x, axis, **options)
        values = quantize_rows(_ELEMENT, rows, scaling, real.dtype)
        return rows.restore_along(values).reshape(real.shape)

    def decode_codes(self, codes: Codes, shared: TwoLevelScale, dtype: np.dtype[Any]) -> Real:
        """Give element block_scale tensor_scale: the first product is exact in every float."""
        values = _ELEMENT.decode(np.atleast_1d(codes), dtype)
        scales = _SCALE.decode(shared.block_codes, dtype)
        values *= expand(scales, BLOCK, shared.axis, values.shape)
        values *= shared.tensor_scale.astype(dtype)
        return np.asarray(values.reshape(codes.shape))

    def shared_bits(self, n: int) -> int:
        """Give 8 per block and 32 per tensor, of a tensor that is a vector of n."""
        return 8 * -(-n // BLOCK) + 32

    def pack_shared(self, shared: TwoLevelScale) -> Bytes:
        """Give the block scales' codes in C order, then the tensor's scale, little-endian."""
        tensor = shared.tensor_scale.astype("<f4").reshape(1).view(np.uint8)
        return np.concatenate([shared.block_codes.reshape(-1), tensor])

    def unpack_shared(self, data: Bytes, like: TwoLevelScale) -> TwoLevelScale:
        """Give the scales packed as ``data``."""
        size = like.block_codes.size
        if data.shape != (size + 4,):
            raise ValueError(
                f"{size} block scales and a float32 are {size + 4} bytes, not {data.shape}"
            )
        tensor = np.frombuffer(data[size:].tobytes(), "<f4").astype(np.float32).reshape(())
        if not (np.isfinite(tensor) and tensor >= _FLOAT32.tiny):
            raise ValueError(f"the tensor scale must be positive and normal, but is {tensor!r}")
        return TwoLevelScale(data[:size].reshape(like.block_codes.shape), tensor, like.axis)

    def _prepare(self, x: ArrayLike, axis: int) -> "tuple[Real, Rows, _TwoLevels]":
        real = as_float("x", x)
        rows = Rows.along(real, check_axis("axis", axis, real.ndim))
        height, width = rows.matrix.shape
        block_codes = np.empty((height, -(-width // BLOCK)), np.uint8)
        return real, rows, _TwoLevels(tensor_scale=_tensor_scale(real), block_codes=block_codes)


@dataclass(slots=True, kw_only=True)
class _TwoLevels(Scaling):
    """Block scales from each block's greatest magnitude; collects their codes."""

    tensor_scale: NDArray[np.float32]
    block_codes: NDArray[np.uint8]
    block: int = BLOCK
    wide: bool = True

    def divide(self, v: Real, tile: Tile, scratch: Scratch) -> Real:
        """Divide by block_scale tensor_scale, in float64.

        The float64 quotient is on the side of each tie that the exact one is on. A tie has at most
        5 bits, a divisor 28, so that their product is a float64 and x either equals it or is at
        least the next float away. That is more than half a unit of the quotient: the ratio of the
        two units is that of the mantissas, tie to product, and those lie in 1..2.
        """
        tensor = float(self.tensor_scale)
        scale = greatest_magnitude(v, scratch) / (6 * tensor)
        _SCALE.round(scale, scratch)
        first = tile.columns.start // BLOCK
        codes = _SCALE.codes(scale, scratch)
        self.block_codes[tile.rows, first : first + codes.shape[1]] = codes
        product = (scale * tensor)[:, :, np.newaxis]
        divisor = np.where(product == 0, np.inf, product)  # zeros under a block scale of zero
        v /= divisor
        return product


def _tensor_scale(x: Real) -> NDArray[np.float32]:
    least, greatest = finite_extremes(x, None)
    peak = min(max(-float(least), float(greatest)), float(_FLOAT32.max))
    if peak == 0:
        return np.ones((), np.float32)
    # No value overflows: 2688 = 21 2^7 divides float32's largest, (2^24 - 1) 2^104.
    nearest = nearest_float(Fraction(peak) / (6 * 448), _FLOAT32.dtype)
    return np.asarray(np.maximum(nearest, _FLOAT32.tiny), np.float32)
