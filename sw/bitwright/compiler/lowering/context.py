"""What lowering a step needs to know, and the fields that every operation has."""

from dataclasses import dataclass

from bitwright.compiler.placement import Place
from bitwright.compiler.steps import Step
from bitwright.compiler.storage import Storage, View
from bitwright.compiler.work import Fields
from bitwright.isa import Architecture
from bitwright.isa.instructions import ExecuteOpcode
from bitwright.network import Network


@dataclass(frozen=True, slots=True)
class Lowering:
    """A network whose tensors have their places on an architecture."""

    network: Network
    architecture: Architecture
    storage: Storage
    places: dict[str, Place]
    batch: int

    def address(self, name: str) -> tuple[int, int]:
        """(bank, byte address) of a tensor's first byte."""
        view = self.storage.views[name]
        place = self.places[view.root]
        return place.bank, place.base + view.offset

    def source(self, step: Step) -> View:
        """What the step reads."""
        return self.storage.views[step.source]

    def zero_point(self, name: str) -> int:
        """Of a tensor or of the copy of one."""
        while name not in self.network:
            name = self._copied(name)
        return self.network[name].output.zero_point

    def _copied(self, copy: str) -> str:
        target, _, which = copy.rpartition(".")
        return self.network[target].inputs[1 if which == "second" else int(which)]

    def fields(self, step: Step, opcode: ExecuteOpcode) -> Fields:
        """Of every operation: where it reads and writes, a window of one pixel, all codes."""
        source, target = self.source(step), self.storage.views[step.target]
        in_bank, in_base = self.address(step.source)
        out_bank, out_base = self.address(step.target)
        fields = {
            "opcode": opcode,
            "in_bank": in_bank,
            "in_base": in_base,
            "out_bank": out_bank,
            "out_base": out_base,
            "out_pitch": target.pitch,
            "residual": 0,
            "residual_base": 0,
            "uniform": 0,
            "kernel_x": 1,
            "kernel_y": 1,
            "words": 1,
            "pixel_step": source.pitch,
            "line_step": source.pitch * source.width,
            "stride_y": 1,
            "dilation_y": 1,
            # Of a slice of a concatenation, without what follows its last pixel.
            "line_bytes": source.pitch * (source.width - 1) + source.channels,
            "height": source.height,
            "out_width": target.width,
            "out_height": target.height,
            "low": -128,
            "high": 127,
            "repeats": self.batch - 1,
            "image_step": source.pitch * source.width * source.height,
        }
        if step.second is not None:
            second = self.storage.views[step.second]
            bank, base = self.address(step.second)
            fields |= {
                "residual": 1,
                "residual_bank": bank,
                "residual_base": base,
                "residual_pitch": second.pitch,
                "residual_zero_point": self.zero_point(step.second),
            }
        return fields

    def tiles(self, channels: int, opcode: ExecuteOpcode) -> Fields:
        """How many tiles ``channels`` are, and how many of them the last one has."""
        vector = opcode == ExecuteOpcode.VECTOR
        width = self.architecture.lanes if vector else self.architecture.columns
        tiles = -(-channels // width)
        return {"channel_tiles": tiles, "last_columns": channels - (tiles - 1) * width}


def sliding(
    fields: Fields,
    source: View,
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    kernel: tuple[int, int],
) -> Fields:
    """``fields`` with a window that slides; the base moves to the first, perhaps padded, pixel."""
    line = source.pitch * source.width
    return fields | {
        "in_base": fields["in_base"] - padding[0] * line - padding[1] * source.pitch,
        "x_start": -padding[1] * source.pitch,
        "y_start": -padding[0],
        "pixel_step": stride[1] * source.pitch,
        "line_step": stride[0] * line,
        "stride_y": stride[0],
        "kernel_y": kernel[0],
        "kernel_y_step": dilation[0] * line,
        "dilation_y": dilation[0],
        "kernel_x": kernel[1],
        "kernel_x_step": dilation[1] * source.pitch,
    }
