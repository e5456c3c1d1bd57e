"""Latencies of the pipeline: what RTL is built to and the cycle model counts with.

All in cycles. The RTL derives its delay lines from these numbers; the cycle model derives each
instruction's duration. A test runs every instruction kind and compares the two.
"""

from bitwright.isa.architecture import Architecture

READ_LATENCY = 4
"""From an address request to the rotated, masked word."""
STORE_LATENCY = READ_LATENCY + 1
"""From a request of a word to store to the word: the request has a register of its own."""
WEIGHT_LATENCY = 2
"""From a weight address to the weight word in its register."""
PE_LATENCY = 4
"""From an element at the PE's input to its accumulator."""
ROW_LATENCY = 2
"""From accumulators to the row's result register."""
PARAMETER_LATENCY = 3
"""From the start of a run of parameter records to the first at lane 0."""
VECTOR_LATENCY = 5
"""From a word to the lanes' input register."""
DEPTHWISE_TAPS = 9
"""Elements of the depthwise engine's window, and weights of a channel."""
DEPTHWISE_LATENCY = 8
"""From the word that completes a depthwise window to the lanes' input register."""
LANE_LATENCY = 12
"""From an accumulator at a lane's input to its code."""
WRITE_LATENCY = 3
"""From a word to write to the byte in memory."""

VECTOR_RESIDUAL = VECTOR_LATENCY
"""From a window's last request to that of its residual."""
VECTOR_WRITE = READ_LATENCY + VECTOR_LATENCY + LANE_LATENCY + 1
"""From a window's last request to its write."""
VECTOR_DRAIN = VECTOR_WRITE + WRITE_LATENCY
"""From the walk's last request to the last byte in memory."""
DEPTHWISE_LAG = DEPTHWISE_LATENCY - VECTOR_LATENCY
"""By which a depthwise window's results are later than those of the vector lanes."""


def depthwise_lead(architecture: Architecture) -> int:
    """Cycles a depthwise walk starts late, so that weights and parameters come before a window.

    A window ends with its tile's fourth word at the earliest. By then, from the start on, nine
    weights are fetched in 12 cycles, and a record for each lane in ``lanes`` + 3.
    """
    return max(6 - READ_LATENCY, architecture.lanes - 10)


def depthwise_pace(architecture: Architecture) -> int:
    """Least cycles between the first words of two depthwise tiles, to fetch for the next one."""
    return max(DEPTHWISE_TAPS, architecture.lanes)


def most_macs(architecture: Architecture) -> int:
    """Products that the machine's counter takes in a cycle, a slot's or a window's."""
    array = architecture.lanes * architecture.columns * (8 if architecture.xnor else 1)
    return max(array, architecture.lanes * DEPTHWISE_TAPS)


def array_result(architecture: Architecture) -> int:
    """From a row's last word request to its channel 0's accumulator at the lane."""
    return READ_LATENCY + 1 + architecture.lanes - 1 + PE_LATENCY + ROW_LATENCY


def array_parameters(architecture: Architecture) -> int:
    """From a row's last word request to the start of its tile's run of parameter records."""
    held = bool(architecture.line_words)  # the lanes' records are held in a register more
    return array_result(architecture) - (architecture.lanes - 1) - PARAMETER_LATENCY - held


def array_residual(architecture: Architecture) -> int:
    """From a row's last word request to that of its residual, which is then serialised."""
    return array_result(architecture) - READ_LATENCY - 1


def array_write(architecture: Architecture) -> int:
    """From a row's last word request to the write of its word of C codes."""
    return array_result(architecture) + architecture.columns + LANE_LATENCY + 1


def array_drain(architecture: Architecture) -> int:
    """From the walk's last request to the last byte in memory."""
    last_row = architecture.rows - architecture.lanes
    return last_row + array_write(architecture) + WRITE_LATENCY


def array_settled(architecture: Architecture) -> int:
    """From a walk's start to the issue of another array instruction behind it, at the earliest.

    By then every part has taken its configuration, and what was before it has landed.
    """
    return max(array_write(architecture), array_drain(architecture))


ISSUE_START = 2
"""From an instruction's issue to its walk's earliest start."""
WALK_START = 1
"""From the end of the walk before to the walk's earliest start."""
WALK_LATENCY = 2
"""From a walk's start to its first request."""
FILL_OVERHEAD = READ_LATENCY + VECTOR_LATENCY - 1
"""Cycles a vector channel tile adds to its windows and its parameter records."""
IN_OVERHEAD = 5
OUT_OVERHEAD = 10
NOP_CYCLES = 2
FETCH_OVERHEAD = 3
"""Of a fetch instruction, beyond its beats."""
CODED_OVERHEAD = 11
"""Of a fetch instruction of coded weights, beyond the numbers of its table and its bytes."""
FETCH_START = 2
"""From a thread's start to its first instruction ready, beyond the instruction's words."""
FETCH_AHEAD = 2
"""From an issue to the next instruction ready, beyond the instruction's words."""
RUN_OVERHEAD = 1
"""From the last instruction's end to the end of the run, with the start."""
