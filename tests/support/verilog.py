"""Pieces of Verilog for benches."""


def pins(prefix: str, width: int, bus: str) -> str:
    """Connect ``prefix0``, ``prefix1``, ... to the bits of a bus."""
    return ", ".join(f".{prefix}{bit}({bus}[{bit}])" for bit in range(width))
