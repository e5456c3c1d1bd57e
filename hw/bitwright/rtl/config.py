"""What an execute instruction tells the parts of the machine; it holds while it runs."""

from typing import Any

from amaranth.hdl import Mux, Signal, Value, signed
from amaranth.lib import data


class WalkConfig(data.StructLayout):
    """The loops and steps of a `Walker`; names and units as in `bitwright.isa.instructions`."""

    def __init__(self) -> None:
        super().__init__(
            {
                "vector": 1,
                "paced": 1,
                "binary": 1,
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
                "repeats": 8,
                "image_step": 24,
                "weight": 32,
            }
        )


class WindowConfig(data.StructLayout):
    """The windows of a depthwise convolution, in words, and the edges they reach over."""

    def __init__(self) -> None:
        super().__init__(
            {
                "line": 16,
                "out_width": 16,
                "out_height": 16,
                "step": 16,
                "turn": 24,
                **dict.fromkeys(("left", "right", "top", "bottom"), 1),
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
                "signs": 1,
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
                "window": WindowConfig(),
                "lane": LaneConfig(),
                "vector_op": 3,
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
                "last_bits": 9,
                "parameter_base": 16,
            }
        )


def fill_config(
    fields: dict[str, Signal], config: data.View, vector: Value, depthwise: Value
) -> list[Any]:
    """Statements that set a `ComputeConfig` from the fields of an instruction."""
    walk = fields | {
        "vector": vector,
        "paced": depthwise,
        "base": fields["in_base"],
        "weight": fields["weight_base"],
        # The depthwise engine wants every pixel of the input once.
        "words": Mux(depthwise, 1, fields["words"]),
        "out_width": Mux(depthwise, fields["words"], fields["out_width"]),
        "out_height": Mux(depthwise, fields["height"], fields["out_height"]),
    }
    window = {
        "line": fields["words"],
        "out_width": fields["out_width"],
        "out_height": fields["out_height"],
        "step": fields["kernel_x_step"],
        "turn": fields["kernel_y_step"],
    }
    window |= {
        name: fields["dilation_y"][n] for n, name in enumerate(("left", "right", "top", "bottom"))
    }
    parts = {"walk": walk, "window": window, "lane": fields}
    statements = []
    for name, _ in config.shape():
        if name in parts:
            statements += [
                config[name][key].eq(parts[name][key]) for key, _ in config[name].shape()
            ]
        else:
            statements.append(config[name].eq(fields[name]))
    return statements
