"""An overlapping instruction waits as long as it must, and not a cycle longer."""

import numpy as np
import pytest

from bitwright.compiler.overlap import least_wait, waits
from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import EXECUTE_FIELDS, ExecuteOpcode

SHAPES = [(4, 4), (8, 8), (4, 8), (8, 4), (2, 16)]


def random_convolution(rng: np.random.Generator) -> dict[str, int]:
    """A small convolution that reads and writes somewhere in the first few words."""
    channels, width, height = (int(n) for n in rng.integers(1, 9, 3))
    kernel_y, kernel_x = (int(n) for n in rng.integers(1, 4, 2))
    pad_y, pad_x = int(rng.integers(0, kernel_y)), int(rng.integers(0, kernel_x))
    line = width * channels
    whole = bool(rng.integers(0, 2))
    fields = dict.fromkeys(EXECUTE_FIELDS, 0)
    fields |= {
        "opcode": ExecuteOpcode.CONV,
        "in_bank": int(rng.integers(0, 2)),
        "in_base": int(rng.integers(0, 64)) - pad_y * line - pad_x * channels,
        "out_bank": int(rng.integers(0, 2)),
        "out_base": int(rng.integers(0, 64)),
        "out_pitch": int(rng.integers(8, 24)),
        "residual": int(rng.integers(0, 2)),
        "residual_bank": int(rng.integers(0, 2)),
        "residual_base": int(rng.integers(0, 64)),
        "residual_pitch": int(rng.integers(8, 24)),
        "words": int(rng.integers(1, 3)),
        "kernel_x": 1 if whole else kernel_x,
        "kernel_y": kernel_y,
        "kernel_x_step": 0 if whole else channels,
        "kernel_y_step": line,
        "dilation_y": 1,
        "pixel_step": channels,
        "line_step": line,
        "stride_y": 1,
        "x_start": -pad_x * channels,
        "y_start": -pad_y,
        "line_bytes": line,
        "height": height,
        "out_width": width,
        "out_height": height,
        "repeats": int(rng.integers(0, 3)),
        "image_step": line * height + int(rng.integers(0, 3)),
        "channel_tiles": int(rng.integers(1, 4)),
        "last_columns": int(rng.integers(1, 5)),
    }
    return fields


def requests(fields: dict[str, int], a: Architecture) -> list[tuple[int, dict[str, int]]]:
    """Every request of a walk, as the walker's docstring orders them: (cycle, where it is)."""
    pixels = fields["out_width"] * fields["out_height"] * (fields["repeats"] + 1)
    found = []
    cycle = 0
    for channel_tile in range(fields["channel_tiles"]):
        for tile in range(-(-pixels // a.rows)):
            for ky in range(fields["kernel_y"]):
                for kx in range(fields["kernel_x"]):
                    for word in range(fields["words"]):
                        for slot in range(a.lanes):
                            pixel = tile * a.rows + slot
                            last = (ky + 1, kx + 1, word + 1) == (
                                fields["kernel_y"],
                                fields["kernel_x"],
                                fields["words"],
                            )
                            if slot < a.rows and pixel < pixels:
                                at = {"ct": channel_tile, "pixel": pixel, "ky": ky, "kx": kx}
                                found.append((cycle, at | {"word": word, "ends": int(last)}))
                            cycle += 1
    return found


def slow_least_wait(before: dict[str, int], after: dict[str, int], a: Architecture) -> int:
    """The same from every byte ever written or read."""
    walk = requests(before, a)
    length = walk[-1][0] // a.lanes * a.lanes + a.lanes - 1
    written: dict[tuple[int, int], int] = {}
    for cycle, at in walk:
        if not at["ends"]:
            continue
        count = a.columns
        if at["ct"] == before["channel_tiles"] - 1:
            count = before["last_columns"]
        begin = before["out_base"] + at["ct"] * a.columns + at["pixel"] * before["out_pitch"]
        for byte in range(begin, begin + count):
            seen = cycle - length + timing.array_write(a) + timing.WRITE_LATENCY
            written[before["out_bank"], byte] = max(
                seen, written.get((before["out_bank"], byte), seen)
            )
    tile = a.lanes * after["words"] * after["kernel_x"] * after["kernel_y"]
    wait = max(0, a.rows + a.columns + timing.LANE_LATENCY - 4 - tile)
    if before["residual"] and before["residual_bank"] == after["in_bank"]:
        wait = max(wait, a.rows - a.lanes + timing.array_residual(a) - timing.WALK_LATENCY)
    for cycle, at in requests(after, a):
        image, pixel = divmod(at["pixel"], after["out_width"] * after["out_height"])
        out_y, out_x = divmod(pixel, after["out_width"])
        y = after["y_start"] + out_y + at["ky"]
        x = after["x_start"] + out_x * after["pixel_step"]
        x += at["kx"] * after["kernel_x_step"] + at["word"] * a.lanes
        place = after["in_base"] - after["x_start"] + out_y * after["line_step"]
        place += image * after["image_step"]
        place += at["ky"] * after["kernel_y_step"] + x
        reads = [
            (cycle, after["in_bank"], place + e)
            for e in range(a.lanes)
            if 0 <= y < after["height"] and 0 <= x + e < after["line_bytes"]
        ]
        if after["residual"] and at["ends"]:
            place = after["residual_base"] + at["pixel"] * after["residual_pitch"]
            place += at["ct"] * a.columns
            later = cycle + timing.array_residual(a)
            reads += [(later, after["residual_bank"], place + e) for e in range(a.columns)]
        for when, bank, byte in reads:
            if (bank, byte) in written:
                wait = max(wait, written[bank, byte] - (3 + when))
    return wait


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_least_wait_is_that_of_comparing_every_byte(shape: tuple[int, int]) -> None:
    architecture = Architecture(rows=shape[0], columns=shape[1])
    rng = np.random.default_rng(7)
    seen = set()
    for _ in range(300):
        before, after = random_convolution(rng), random_convolution(rng)
        expected = slow_least_wait(before, after, architecture)
        assert least_wait(before, after, architecture) == expected, (before, after)
        seen.add(expected)
    assert 0 in seen
    assert len(seen) > 4


def test_only_a_convolution_behind_a_convolution_waits() -> None:
    architecture = Architecture()
    convolution = random_convolution(np.random.default_rng(1)) | {"out_bank": 0, "in_bank": 0}
    vector = convolution | {"opcode": ExecuteOpcode.VECTOR}
    found = waits([convolution, vector, convolution, convolution], architecture)
    assert found[:3] == [0, 0, 0]
    assert found[3] == least_wait(convolution, convolution, architecture)
