"""Latencies of the pipeline: what RTL is built to and the cycle model counts with.

All in cycles. The RTL derives its delay lines from these numbers; the cycle model derives each
instruction's duration. A test runs every instruction kind and compares the two.
"""

READ_LATENCY = 3
"""From an address request to the rotated, masked word."""
WEIGHT_LATENCY = 2
"""From a weight address to the weight word in its register."""
PE_LATENCY = 2
"""From an element at the PE's input to its accumulator."""
ROW_LATENCY = 1
"""From accumulators to the row's result register."""
VECTOR_LATENCY = 3
"""From a word to the lanes' input register."""
LANE_LATENCY = 8
"""From an accumulator at a lane's input to its code."""
WRITE_LATENCY = 2
"""From a word to write to the byte in memory."""
