"""The depthwise engine alone: channel tiles back to back and with pauses, at its stated latency."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith import conv2d
from bitwright.isa import Architecture, timing
from bitwright.rtl.config import WindowConfig
from bitwright.rtl.depthwise import DepthwiseEngine
from bitwright.sim import VerilatedModel

ARCHITECTURE = Architecture(rows=4, columns=4, line_words=16, lane_multiplier="lut")
LANES = ARCHITECTURE.lanes


@dataclass(frozen=True)
class Shape:
    """Of an image, its windows and the edges they reach over."""

    tiles: int
    height: int
    width: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Top, left, bottom, right."""

    def sums(self, x: NDArray[np.int64], weight: NDArray[np.int64], pad: int) -> NDArray[np.int64]:
        """(tiles, windows in raster order, lanes), by the definition."""
        top, left, bottom, right = self.padding
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right)), constant_values=pad)
        acc = conv2d(
            padded[None], weight[:, None], stride=self.stride, groups=len(x)
        )  # (1, C, H, W)
        return acc.reshape(self.tiles, LANES, -1).transpose(0, 2, 1)

    @property
    def outputs(self) -> tuple[int, int]:
        """Lines and windows of a line."""
        top, left, bottom, right = self.padding
        return (
            (self.height + top + bottom - 3) // self.stride[0] + 1,
            (self.width + left + right - 3) // self.stride[1] + 1,
        )

    def config(self) -> int:
        """What the engine is told."""
        down, across = self.outputs
        top, left, _, _ = self.padding
        span_y, span_x = (down - 1) * self.stride[0], (across - 1) * self.stride[1]
        fields = {
            "line": self.width,
            "out_width": across,
            "out_height": down,
            "step": self.stride[1],
            "turn": self.stride[0] * self.width - span_x,
            "left": left,
            "right": int(span_x - left + 3 > self.width),
            "top": top,
            "bottom": int(span_y - top + 3 > self.height),
        }
        return int(WindowConfig().const(fields).as_value().value)


SHAPES = {
    "5x7": Shape(3, 5, 7),
    "3x3, a tile every nine cycles": Shape(6, 3, 3),
    "a line of two words": Shape(3, 8, 2),
    "the longest line": Shape(2, 4, 16),
    "no padding": Shape(3, 6, 5, padding=(0, 0, 0, 0)),
    "uneven padding": Shape(3, 6, 5, padding=(0, 1, 1, 0)),
    "stride 2": Shape(3, 7, 6, (2, 2)),
    "stride 2 with lines left over": Shape(3, 8, 9, (2, 3), (0, 0, 0, 0)),
    "one window": Shape(4, 4, 4, (3, 3), (0, 0, 0, 0)),
}


@pytest.fixture(scope="module")
def model():
    component = DepthwiseEngine(ARCHITECTURE)
    with VerilatedModel.build(component, "top", trace=False, optimize=0) as made:
        yield made


@pytest.mark.parametrize("pauses", [0.0, 0.3], ids=["flowing", "pausing"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_engine_sums_what_the_definition_sums(
    model: VerilatedModel, shape: Shape, pauses: float
) -> None:
    rng = np.random.default_rng(7)
    channels = shape.tiles * LANES
    x = rng.integers(-128, 128, (channels, shape.height, shape.width))
    weight = rng.integers(-128, 128, (channels, 3, 3))
    pad = int(rng.integers(-128, 128))
    base = 40
    stored = weight.reshape(shape.tiles, LANES, 9).transpose(0, 2, 1).reshape(-1, LANES)
    words = x.reshape(shape.tiles, LANES, -1).transpose(0, 2, 1)  # (tiles, pixels, lanes)

    # (tile ends, last tile, walk ends, word) of each cycle from the start on, None for a pause.
    sent: list[tuple[int, int, int, NDArray[np.int64]] | None] = [None] * 8
    for tile, pixels in enumerate(words):
        began = len(sent)
        last = int(tile == shape.tiles - 1)
        for n, pixel in enumerate(pixels):
            while rng.random() < pauses:
                sent.append(None)
            end = int(n == len(pixels) - 1)
            sent.append((end, last, end & last, pixel))
        sent += [None] * (timing.depthwise_pace(ARCHITECTURE) - (len(sent) - began))

    io, clock = model.io, model.clock
    io.config, io.pad, io.weight_base = shape.config(), pad & 0xFF, base
    io.coming = io.walk_ends = 0
    io.start = 1
    clock.tick()
    io.start = 0
    due: list[int] = []
    found: list[list[int]] = []
    tiles_of_windows, closed = [], 0
    address = finished = 0
    arriving: NDArray[np.int64] | None = None
    for cycle in range(len(sent) + 2 * shape.width + 20):
        entry = sent[cycle] if cycle < len(sent) else None
        io.coming = int(entry is not None)
        if entry is not None:
            io.tile_ends, io.last_tile, io.walk_ends = entry[:3]
        else:
            io.walk_ends = 0
        noise = rng.integers(-128, 128, LANES)
        io.word = packed(noise if arriving is None else arriving)
        arriving = None if entry is None else entry[3]
        place = address - base
        io.weight_data = packed(stored[place] if 0 <= place < len(stored) else noise)
        model.eval()
        address = io.weight_address
        if io.completes:
            due.append(cycle + 1 + DepthwiseEngine.LATENCY)
            tiles_of_windows.append(closed)
            assert io.of_last == int(closed == shape.tiles - 1)
            assert not io.finished or io.closes
        closed += io.closes
        finished += io.finished
        if cycle in due:
            found.append(unpacked(io.acc))
        clock.tick()
    expected = shape.sums(x, weight, pad)
    assert finished == 1
    assert [tiles_of_windows.count(tile) for tile in range(shape.tiles)] == [
        len(expected[0])
    ] * shape.tiles
    assert found == expected.reshape(-1, LANES).tolist()


def packed(values: NDArray[np.int64]) -> int:
    """Bytes as one number, the first lowest."""
    return int.from_bytes(values.astype(np.int8).tobytes(), "little")


def unpacked(value: int) -> list[int]:
    """Signed 32-bit lanes of one number."""
    return np.frombuffer(value.to_bytes(4 * LANES, "little"), np.int32).tolist()
