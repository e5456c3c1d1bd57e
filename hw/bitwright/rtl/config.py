"""What an execute instruction tells the parts of the machine; it holds while it runs."""

from typing import Any

from amaranth.hdl import Signal, Value, signed
from amaranth.lib import data


class WalkConfig(data.StructLayout):
    """The loops and steps of a `Walker`; names and units as in `bitwright.isa.instructions`."""

    def __init__(self) -> None:
        super().__init__(
            {
                "vector": 1,
                "base": signed(26),
                "words": 16,
                "kernel_x": 8,
                "kernel_y": 8,
                "kernel_x_step": 16,
                "kernel_y_step": 24,
                "dilation_y": 8,
                "pixel_step": 16,
                "line_step": 24,
                "stride_y": 8,
                "x_start": signed(24),
                "y_start": signed(8),
                "height": 16,
                "out_width": 16,
                "out_height": 16,
                "channel_tiles": 16,
                "weight": 32,
            }
        )


class LaneConfig(data.StructLayout):
    """How the lanes turn accumulators into codes."""

    def __init__(self) -> None:
        super().__init__(
            {
                "rounding": 3,
                "residual": 1,
                "residual_zero_point": signed(8),
                "zero_point": signed(8),
                "low": signed(8),
                "high": signed(8),
            }
        )


class ParameterRecord(data.StructLayout):
    """One output channel's 16 bytes in the parameter buffer."""

    def __init__(self) -> None:
        super().__init__(
            {
                "bias": signed(32),
                "multiplier": 32,
                "residual_multiplier": 32,
                "shift": 32,
            }
        )


class ComputeConfig(data.StructLayout):
    """Everything a `Compute` instruction says."""

    def __init__(self) -> None:
        super().__init__(
            {
                "walk": WalkConfig(),
                "lane": LaneConfig(),
                "vector_op": 2,
                "uniform": 1,
                "pad": signed(8),
                "line_bytes": 24,
                "in_bank": 1,
                "out_bank": 1,
                "out_base": signed(26),
                "out_pitch": 16,
                "residual_bank": 1,
                "residual_base": signed(26),
                "residual_pitch": 16,
                "last_columns": 8,
                "parameter_base": 16,
            }
        )


def fill_config(fields: dict[str, Signal], config: data.View, vector: Value) -> list[Any]:
    """Statements that set a `ComputeConfig` from the fields of an instruction."""
    renamed = {"base": "in_base", "weight": "weight_base"}
    statements = [config.walk.vector.eq(vector)]
    for part in (config.walk, config.lane):
        for name, _ in part.shape():
            if name != "vector":
                statements.append(part[name].eq(fields[renamed.get(name, name)]))
    for name, _ in config.shape():
        if name not in ("walk", "lane"):
            statements.append(config[name].eq(fields[name]))
    return statements
