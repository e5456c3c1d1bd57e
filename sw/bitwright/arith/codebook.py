"""codebook<K>: indices of K centroids, which are themselves numbers in a format."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.affine import Integer
from bitwright.arith.element import Codes
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.layout import Rows
from bitwright.arith.nearest import Real, as_float, as_real, reject_nan
from bitwright.arith.packing import Bytes
from bitwright.arith.reductions import finite_extremes
from bitwright.arith.scales import ceil_float
from bitwright.arith.tiles import Scratch, Tile, for_each_tile, tiles
from bitwright.arith.uniform import Uniform

MAX_CENTROIDS = 256
_DEFAULT = Integer(8)

CentroidFormat = Integer | Fixed


@dataclass(frozen=True, slots=True, eq=False)
class Centroids:
    """The shared part: the value of code i is centroid i."""

    encoded: Encoded[Any]
    """In ascending order, equal neighbours included."""


@dataclass(frozen=True, slots=True)
class Codebook(Format[Centroids]):
    """codebook<K>, with int8 centroids, and codebook<K>_<format> with int, uint, fix or ufix ones.

    A number becomes the index of the nearest centroid. A tie goes to the even index, and of equal
    centroids the first is meant; where such leave two candidates of the same parity, to the lower.

    >>> Codebook(4).encode([0.1, 0.5, 0.7, 9.0], centroids=[-1.0, 0.0, 1.0, 1.27]).codes
    array([1, 2, 2, 3], dtype=uint8)
    """

    centroids: int
    centroid_format: CentroidFormat = _DEFAULT

    pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"codebook(0|[1-9]\d*)(?:_({Integer.pattern.pattern}|{Fixed.pattern.pattern}))?"
    )
    family: ClassVar[str] = (
        f"codebook<K> and codebook<K>_<int or fix format> (K 2..{MAX_CENTROIDS})"
    )

    def __post_init__(self) -> None:
        if not 2 <= self.centroids <= MAX_CENTROIDS:
            raise ValueError(f"codebook<K> has K in 2..{MAX_CENTROIDS}, but K is {self.centroids}")

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        """Build the format of a name that matched; ``codebook<K>_int8`` is ``codebook<K>``."""
        name = match[2] or str(_DEFAULT)
        for family in (Integer, Fixed):
            found = family.pattern.fullmatch(name)
            if found is not None:
                return cls(int(match[1]), family.from_match(found))
        raise AssertionError(name)  # the pattern has just these two

    @classmethod
    def names(cls) -> Iterator[str]:
        """Give the names with int8 centroids."""
        yield from (f"codebook{k}" for k in range(2, MAX_CENTROIDS + 1))

    def __str__(self) -> str:
        """Give the canonical name."""
        suffix = "" if self.centroid_format == _DEFAULT else f"_{self.centroid_format}"
        return f"codebook{self.centroids}{suffix}"

    @property
    def element(self) -> Uniform:
        """The indices: values are the centroids', which the shared part has."""
        return Uniform(0, self.centroids - 1)

    def shared_bits(self, n: int) -> int:
        """Give those of the centroids' codes."""
        return self.centroids * self.centroid_format.bits

    def encode(
        self, x: ArrayLike, axis: int = -1, *, centroids: ArrayLike | None = None
    ) -> Encoded[Centroids]:
        """Give the indices of the nearest centroids; ``axis`` is checked and unused.

        ``centroids`` are K numbers in any order; in their format they are sorted. Left out, they
        divide min(x, 0)..max(x, 0) over finite x evenly, its ends included: a start for k-means.

        Raises ValueError for NaN, with its first index, an axis that x does not have and a number
        of centroids other than K; TypeError for data that are not real numbers.
        """
        rows, book, thresholds = self._prepare(x, axis, centroids=centroids)
        starts = _starts(book.decode())
        out = np.empty(rows.matrix.shape, self.code_dtype)

        def work(tile: Tile, scratch: Scratch) -> None:
            out[tile.rows, tile.columns] = starts[_places(rows, tile, thresholds)]

        for_each_tile(work, tiles(out.shape))
        return Encoded(
            format=self, codes=rows.restore(out), shared=Centroids(book), dtype=book.dtype
        )

    def quantize(self, x: ArrayLike, axis: int = -1, **options: Any) -> Real:
        """Give the nearest centroids; the option is that of `encode`."""
        rows, book, thresholds = self._prepare(x, axis, **options)
        distinct = np.unique(book.decode())
        out = np.empty(rows.matrix.shape, book.dtype)

        def work(tile: Tile, scratch: Scratch) -> None:
            out[tile.rows, tile.columns] = distinct[_places(rows, tile, thresholds)]

        for_each_tile(work, tiles(out.shape))
        return rows.restore(out)

    def decode_codes(self, codes: Codes, shared: Centroids, dtype: np.dtype[Any]) -> Real:
        """Give the centroids of codes."""
        return np.asarray(shared.encoded.decode().astype(dtype)[codes])

    def integers(self, codes: ArrayLike) -> tuple[NDArray[np.int64], int]:
        """Refuse: the integers of a codebook are its centroids' codes, ``encoded.codes[codes]``."""
        raise ValueError(f"codes of {self} are indices; the integers are shared.encoded.codes")

    def pack_shared(self, shared: Centroids) -> Bytes:
        """Give the centroids' codes as their format packs them."""
        return shared.encoded.pack()

    def unpack_shared(self, data: Bytes, like: Centroids) -> Centroids:
        """Give the centroids packed as ``data``; the scale of int ones is that of ``like``."""
        return Centroids(like.encoded.unpack(data))

    def _prepare(
        self, x: ArrayLike, axis: int, *, centroids: ArrayLike | None = None
    ) -> tuple[Rows, Encoded[Any], Real]:
        real = as_float("x", x)
        check_axis("axis", axis, real.ndim)
        if centroids is None:
            least, greatest = finite_extremes(real, None)
            # Halved: their difference may overflow.
            chosen = 2 * np.linspace(least / 2, greatest / 2, self.centroids, dtype=real.dtype)
        else:
            chosen = as_real("centroids", centroids).astype(real.dtype)
        if chosen.shape != (self.centroids,):
            raise ValueError(
                f"{self} has {self.centroids} centroids, but centroids has shape {chosen.shape}"
            )
        if np.isinf(chosen).any():
            raise ValueError(f"centroids must be finite in {real.dtype}, but are {chosen.tolist()}")
        book = self.centroid_format.encode(np.sort(chosen))
        return Rows.flat(real), book, _thresholds(book.decode(), real.dtype)


def _starts(centroids: Real) -> NDArray[np.uint8]:
    """Give the index of the first of each run of equal centroids."""
    return np.unique(centroids, return_index=True)[1].astype(np.uint8)


def _thresholds(centroids: Real, dtype: np.dtype[Any]) -> Real:
    """Give, between each two distinct centroids, the least float that goes to the upper one."""
    distinct, starts = np.unique(centroids, return_index=True)
    exact = [Fraction(float(value)) for value in distinct]
    pairs = zip(exact, exact[1:], starts, starts[1:], strict=False)
    return np.asarray(
        [
            ceil_float((below + above) / 2, dtype, strict=bool(lower % 2 == 0 or upper % 2))
            for below, above, lower, upper in pairs
        ],
        dtype,
    )


def _places(rows: Rows, tile: Tile, thresholds: Real) -> NDArray[np.intp]:
    """Count the thresholds that each number has reached."""
    part = rows.matrix[tile.rows, tile.columns]
    if np.isnan(part).any():
        reject_nan("x", rows.source)
    return _reached(thresholds, part)


def _reached(thresholds: Real, x: Real) -> NDArray[np.intp]:
    """Count the thresholds, ascending, that are at most each x.

    A binary search of all at once, one level after the other, without a branch per number: three
    to four times as fast as np.searchsorted.
    """
    levels = len(thresholds).bit_length()
    padded = np.full((1 << levels) - 1, np.nan, thresholds.dtype)  # never reached
    padded[: len(thresholds)] = thresholds
    place = np.zeros(x.shape, np.intp)
    for level in reversed(range(levels)):
        step = 1 << level
        place += step * (x >= padded[step - 1 :].take(place))
    return place
