"""Cache-sized tiles of a large array, over threads.

A chain of array operations on a whole array reads and writes memory once per operation; on a tile
whose intermediates stay in the core's own cache it does so once. numpy releases the interpreter
lock inside its loops, so that threads share the tiles.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TILE = 1 << 17
"""Elements of a tile: 512 kB of float32.

A tile costs twenty calls of numpy, and these as much as 10,000 elements: of 2^15 elements, whose
intermediates fit a second-level cache of 1 MB, a tile takes up to half as long again per element.
"""
_ONE_THREAD = 1 << 18
"""Elements up to which starting threads costs more than they save."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a matrix."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def size(self) -> int:
        """How many elements."""
        rows, columns = self.shape
        return rows * columns


class Scratch:
    """Named buffers that one thread uses again and again: no allocation per tile."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, np.dtype[Any]], NDArray[Any]] = {}

    def like(self, name: str, array: NDArray[Any], dtype: Any = None) -> NDArray[Any]:
        """Give a buffer of the shape of ``array`` and, unless told otherwise, its type."""
        return self.array(name, array.shape, array.dtype if dtype is None else np.dtype(dtype))

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Give a contiguous buffer with undefined contents; it shares memory with its namesake."""
        size = int(np.prod(shape, dtype=np.int64))
        buffer = self._buffers.get((name, dtype))
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name, dtype] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)


def tiles(shape: tuple[int, ...], multiple: int = 1) -> list[Tile]:
    """Cut a matrix into tiles; column cuts fall on multiples of ``multiple``.

    >>> [tile.shape for tile in tiles((3, 300000), multiple=16)][:3]
    [(1, 131072), (1, 131072), (1, 37856)]
    """
    rows, columns = shape
    width = min(columns, max(TILE // multiple, 1) * multiple)
    height = max(TILE // max(width, 1), 1)
    return [
        Tile(slice(top, min(top + height, rows)), slice(left, min(left + width, columns)))
        for top in range(0, rows, height)
        for left in range(0, columns, max(width, 1))
    ]


def for_each_tile(work: Callable[[Tile, Scratch], None], parts: list[Tile]) -> None:
    """Call ``work`` on every tile, from several threads if there is enough to do.

    Tiles come in no fixed order: ``work`` writes to its own tile alone. Floating-point overflow,
    underflow and division by zero are silent inside: each is a saturation that the caller means.
    """
    remaining = iter(parts)

    def worker() -> None:
        scratch = Scratch()
        # Threads do not inherit the caller's errstate.
        with np.errstate(all="ignore"):
            for tile in remaining:
                work(tile, scratch)

    threads = min(_cores(), sum(tile.size for tile in parts) // _ONE_THREAD)
    if threads < 2:
        worker()
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(worker) for _ in range(threads)]:
            done.result()


def _cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
