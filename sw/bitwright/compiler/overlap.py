"""How long an array instruction must hold back so that it may begin while the last one drains.

The machine does not compare addresses: it starts a CONV's walk ``wait`` cycles after the end of
the walk before. All distances are constants (`bitwright.isa.timing`), so the least safe ``wait``
is known here: every byte is read only after it has been written.
"""

from collections.abc import Iterator
from typing import NamedTuple

from bitwright.compiler.work import Fields, output_pixels, tile_bytes
from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import ExecuteOpcode


class Access(NamedTuple):
    """Bytes begin .. end - 1 of a bank, touched in a cycle."""

    cycle: int
    bank: int
    begin: int
    end: int


def waits(instructions: list[Fields], architecture: Architecture) -> list[int]:
    """The ``wait`` of each execute instruction; 0 where nothing overlaps."""
    found = [0] * len(instructions)
    for n in range(1, len(instructions)):
        before, after = instructions[n - 1], instructions[n]
        if before["opcode"] == after["opcode"] == ExecuteOpcode.CONV:
            found[n] = least_wait(before, after, architecture)
    return found


def least_wait(before: Fields, after: Fields, architecture: Architecture) -> int:
    """The least ``wait`` of ``after`` with which it reads what ``before`` wrote, and right."""
    needed = [0, _until_lanes_are_free(after, architecture)]
    if before["residual"] and before["residual_bank"] == after["in_bank"]:
        needed.append(_until_port_is_free(architecture))
    written = list(_last_writes(before, architecture))
    if written:
        horizon = max(access.cycle for access in written)
        for read in _first_reads(after, architecture, horizon):
            needed.extend(write.cycle - read.cycle for write in written if _overlap(write, read))
    return max(needed)


def tile_cycles(fields: Fields, architecture: Architecture) -> int:
    """Cycles the walk spends on a tile: one per element of K, padded to whole words."""
    return fields["kernel_x"] * fields["kernel_y"] * fields["words"] * architecture.lanes


def _until_lanes_are_free(after: Fields, architecture: Architecture) -> int:
    """The lanes change over at the first result; the last code must have left the last lane.

    From the walk's end the last row's last sum takes rows - lanes + array_result + columns - 1
    cycles to its lane and LANE_LATENCY through it; from the other walk's start the first sum takes
    WALK_LATENCY + tile - lanes + array_result.
    """
    last = architecture.rows + architecture.columns - 1 + timing.LANE_LATENCY
    first = timing.WALK_LATENCY + tile_cycles(after, architecture)
    return last - first - 1


def _until_port_is_free(architecture: Architecture) -> int:
    """The last residual is read before the window takes the bank's port."""
    last = architecture.rows - architecture.lanes + timing.array_residual(architecture)
    return last - timing.WALK_LATENCY


def _last_writes(before: Fields, architecture: Architecture) -> Iterator[Access]:
    """Results not yet readable when the walk ends; cycles from its last request."""
    rows, lanes = architecture.rows, architecture.lanes
    pixels = output_pixels(before)
    pixel_tiles = -(-pixels // rows)
    tiles = before["channel_tiles"] * pixel_tiles
    length = tile_cycles(before, architecture)
    readable = timing.array_write(architecture) + timing.WRITE_LATENCY
    for back in range(tiles):
        end = -back * length - (lanes - 1)
        if end + rows - 1 + readable <= 0:
            return
        channel_tile, pixel_tile = divmod(tiles - 1 - back, pixel_tiles)
        first, beyond = tile_bytes(before, channel_tile, architecture)
        for row in range(min(rows, pixels - pixel_tile * rows)):
            pixel = pixel_tile * rows + row
            place = before["out_base"] + pixel * before["out_pitch"]
            cycle = end + row + readable
            yield Access(cycle, before["out_bank"], place + first, place + beyond)


def _first_reads(after: Fields, architecture: Architecture, horizon: int) -> Iterator[Access]:
    """Windows and residuals read up to ``horizon``, with no wait; cycles as in `_last_writes`."""
    rows, lanes = architecture.rows, architecture.lanes
    pixels = output_pixels(after)
    length = tile_cycles(after, architecture)
    # The walk before ends in cycle 0, this one starts in cycle 1 at the earliest.
    first = timing.WALK_START + timing.WALK_LATENCY
    for tile in range(-(-pixels // rows)):
        begin = first + tile * length
        if begin > horizon:
            return
        for row in range(min(rows, pixels - tile * rows)):
            pixel = tile * rows + row
            yield from _window_reads(after, pixel, begin + row, horizon, lanes)
            if after["residual"]:
                cycle = begin + length - lanes + row + timing.array_residual(architecture)
                place = after["residual_base"] + pixel * after["residual_pitch"]
                yield Access(cycle, after["residual_bank"], place, place + architecture.columns)


def _window_reads(
    after: Fields, pixel: int, cycle: int, horizon: int, lanes: int
) -> Iterator[Access]:
    """The words of a pixel's window, one every ``lanes`` cycles, without what is padding."""
    image, pixel = divmod(pixel, after["out_width"] * after["out_height"])
    out_y, out_x = divmod(pixel, after["out_width"])
    origin = (
        after["in_base"]
        + image * after["image_step"]
        + out_y * after["line_step"]
        + out_x * after["pixel_step"]
    )
    for kernel_y in range(after["kernel_y"]):
        y = after["y_start"] + out_y * after["stride_y"] + kernel_y * after["dilation_y"]
        for kernel_x in range(after["kernel_x"]):
            for word in range(after["words"]):
                if cycle > horizon:
                    return
                along = kernel_x * after["kernel_x_step"] + word * lanes
                x = after["x_start"] + out_x * after["pixel_step"] + along
                begin, end = max(0, -x), min(lanes, after["line_bytes"] - x)
                if 0 <= y < after["height"] and begin < end:
                    place = origin + kernel_y * after["kernel_y_step"] + along
                    yield Access(cycle, after["in_bank"], place + begin, place + end)
                cycle += lanes


def _overlap(a: Access, b: Access) -> bool:
    return a.bank == b.bank and a.begin < b.end and b.begin < a.end
