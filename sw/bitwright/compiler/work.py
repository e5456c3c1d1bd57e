"""What one instruction does: its cycles, products and bytes, from its fields alone."""

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import ExecuteOpcode, FetchOpcode, VectorOp

Fields = dict[str, int]
"""The values of an instruction's fields."""


def output_pixels(fields: Fields) -> int:
    """Pixels that an instruction computes, of all images of its batch."""
    return fields["out_width"] * fields["out_height"] * (fields["repeats"] + 1)


def tile_bytes(fields: Fields, tile: int, architecture: Architecture) -> tuple[int, int]:
    """Where a channel tile's bytes begin within a pixel an array instruction writes, and end."""
    columns = architecture.columns
    last = tile == fields["channel_tiles"] - 1
    begin, count = tile * columns, fields["last_columns"] if last else columns
    if fields["signs"]:
        return begin // 8, begin // 8 + -(-count // 8)
    return begin, begin + count


def walk_cycles(fields: Fields, architecture: Architecture) -> int:
    """Requests of a computation's walk; one per cycle, and a vector tile's wait for parameters."""
    pixels = output_pixels(fields)
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    lanes, tiles = architecture.lanes, fields["channel_tiles"]
    if fields["opcode"] == ExecuteOpcode.CONV:
        return tiles * -(-pixels // architecture.rows) * taps * lanes
    if fields["vector_op"] == VectorOp.DEPTHWISE:
        return depthwise_cycles(fields, architecture)
    return tiles * (pixels * taps + lanes + timing.FILL_OVERHEAD)


def depthwise_cycles(fields: Fields, architecture: Architecture) -> int:
    """From the start of a depthwise walk to its last word, or to the last window's that follows."""
    image = fields["words"] * fields["height"]
    pace = max(image, timing.depthwise_pace(architecture))
    last = first_window(fields) + windows_span(fields)
    before = timing.depthwise_lead(architecture) + (fields["channel_tiles"] - 1) * pace
    return before + max(image, last + 1)


def window_cycle(fields: Fields, tile: int, window: int, architecture: Architecture) -> int:
    """From the start of a depthwise walk to the word that completes a channel tile's window.

    A window that ends in the next tile may be later, if that tile waits for its weights.
    """
    y, x = divmod(window, fields["out_width"])
    line = (fields["out_width"] - 1) * fields["kernel_x_step"] + fields["kernel_y_step"]
    pace = max(fields["words"] * fields["height"], timing.depthwise_pace(architecture))
    begins = timing.depthwise_lead(architecture) + tile * pace
    return begins + first_window(fields) + y * line + x * fields["kernel_x_step"]


def first_window(fields: Fields) -> int:
    """Words of a depthwise channel tile before the one that completes its first window."""
    left, top = fields["dilation_y"] & 1, fields["dilation_y"] >> 2 & 1
    return (2 - top) * fields["words"] + 2 - left


def windows_span(fields: Fields) -> int:
    """Words from a depthwise channel tile's first window to its last."""
    line = (fields["out_width"] - 1) * fields["kernel_x_step"]
    return fields["out_height"] * line + (fields["out_height"] - 1) * fields["kernel_y_step"]


def vector_drain(fields: Fields) -> int:
    """From the last request of a walk through the vector lanes to its last byte in memory."""
    lag = timing.DEPTHWISE_LAG if fields["vector_op"] == VectorOp.DEPTHWISE else 0
    return timing.VECTOR_DRAIN + lag


def vector_cycles(fields: Fields, architecture: Architecture) -> int:
    """From the first request of a walk through the vector lanes to its last byte in memory."""
    return walk_cycles(fields, architecture) + vector_drain(fields)


def execute_macs(fields: Fields, architecture: Architecture) -> int:
    """Products an instruction issues to valid rows and columns, K padded to whole words."""
    vector = fields["opcode"] == ExecuteOpcode.VECTOR
    multiplies = vector and fields["vector_op"] in (VectorOp.MAC, VectorOp.DEPTHWISE)
    if fields["opcode"] != ExecuteOpcode.CONV and not multiplies:
        return 0
    width = architecture.lanes if vector else architecture.columns
    channels = (fields["channel_tiles"] - 1) * width + fields["last_columns"]
    taps = fields["kernel_x"] * fields["kernel_y"] * fields["words"]
    if vector and fields["vector_op"] == VectorOp.DEPTHWISE:
        taps = timing.DEPTHWISE_TAPS
    pixels = output_pixels(fields)
    element = 1 if vector else architecture.lanes * (8 if fields["binary"] else 1)
    return channels * pixels * taps * element


def execute_bytes(fields: Fields, architecture: Architecture) -> int:
    """Bytes of an instruction's weights and parameter records, as they are streamed."""
    if fields["opcode"] not in (ExecuteOpcode.CONV, ExecuteOpcode.VECTOR):
        return 0
    vector, tiles = fields["opcode"] == ExecuteOpcode.VECTOR, fields["channel_tiles"]
    words = fields["kernel_x"] * fields["kernel_y"] * fields["words"] * architecture.lanes
    if vector:
        weighted = {VectorOp.MAC: fields["kernel_x"] * fields["kernel_y"]}
        weighted[VectorOp.DEPTHWISE] = timing.DEPTHWISE_TAPS
        words = weighted.get(VectorOp(fields["vector_op"]), 0)
    width = architecture.lanes if vector else architecture.columns
    records = 1 if fields["uniform"] else tiles * width
    record = max(16, architecture.lanes)
    return tiles * words * architecture.lanes + records * record


def fetch_cycles(fields: Fields, architecture: Architecture) -> int:
    """From a fetch instruction's issue to its end."""
    if fields["opcode"] == FetchOpcode.CODED:
        # A number of the table, then a byte per cycle: longer than its beats.
        decoded = fields["numbers"] + fields["count"] * architecture.lanes
        return decoded + timing.CODED_OVERHEAD
    return fetch_beats(fields, architecture) + timing.FETCH_OVERHEAD


def fetch_beats(fields: Fields, architecture: Architecture) -> int:
    """Beats of a fetch instruction's packet."""
    if fields["opcode"] == FetchOpcode.CODED:
        return fields["beats"]
    records = fields["opcode"] == FetchOpcode.PARAMETERS
    return fields["count"] * (architecture.record_beats if records else 1)
