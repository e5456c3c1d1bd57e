import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith.tiles import TILE, Scratch, Tile, for_each_tile, tiles

SHAPES = [(1, 1), (3, 5), (1, TILE), (1, TILE + 1), (2, 3 * TILE - 7), (700, 900), (TILE + 3, 1)]


@pytest.mark.parametrize("multiple", [1, 7, 32, TILE, 3 * TILE])
@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_cover_a_matrix_once(shape: tuple[int, int], multiple: int) -> None:
    count = np.zeros(shape, int)
    for tile in tiles(shape, multiple):
        assert tile.shape == count[tile.rows, tile.columns].shape
        assert tile.size <= max(TILE, multiple)
        assert tile.columns.start % multiple == 0
        count[tile.rows, tile.columns] += 1
    assert (count == 1).all()


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_nothing_has_no_tile(shape: tuple[int, int]) -> None:
    assert all(tile.size == 0 for tile in tiles(shape))


@pytest.mark.parametrize("size", [100, 40 * TILE])
def test_every_tile_is_worked_on_once(size: int) -> None:
    out = np.zeros((1, size), np.int64)

    def work(tile: Tile, scratch: Scratch) -> None:
        buffer = scratch.like("buffer", out[tile.rows, tile.columns])
        buffer.fill(1)
        out[tile.rows, tile.columns] += buffer

    for_each_tile(work, tiles(out.shape))
    assert (out == 1).all()


@pytest.mark.parametrize("size", [100, 40 * TILE])
def test_an_error_in_a_tile_is_the_callers(size: int) -> None:
    def work(tile: Tile, scratch: Scratch) -> None:
        raise ValueError(f"at {tile.columns.start}")

    with pytest.raises(ValueError, match="at "):
        for_each_tile(work, tiles((1, size)))


@pytest.mark.parametrize("size", [100, 40 * TILE])
def test_saturation_is_silent_in_every_thread(size: int) -> None:
    def work(tile: Tile, scratch: Scratch) -> None:
        big: NDArray[np.float32] = scratch.array("big", (4,), np.dtype(np.float32))
        big.fill(3e38)
        big *= 10

    for_each_tile(work, tiles((1, size)))


def test_buffers_are_used_again() -> None:
    scratch = Scratch()
    first = scratch.array("a", (4, 8), np.dtype(np.float32))
    assert np.shares_memory(first, scratch.array("a", (5,), np.dtype(np.float32)))
    assert not np.shares_memory(first, scratch.array("a", (5,), np.dtype(np.int32)))
    assert not np.shares_memory(first, scratch.array("b", (4, 8), np.dtype(np.float32)))
    assert scratch.array("a", (9, 9), np.dtype(np.float32)).shape == (9, 9)
