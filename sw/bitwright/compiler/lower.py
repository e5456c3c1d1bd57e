"""Steps into operations: instruction fields, weights and parameters of each."""

from dataclasses import dataclass, replace

import numpy as np

from bitwright.arith import accumulator_bits
from bitwright.compiler import pack
from bitwright.compiler.binary import (
    Segments,
    check_engine,
    convolution_segments,
    linear_segments,
)
from bitwright.compiler.cycles import vector_cycles
from bitwright.compiler.depthwise import windows_of_raster
from bitwright.compiler.errors import CompileError
from bitwright.compiler.operation import Operation
from bitwright.compiler.placement import Place
from bitwright.compiler.results import Weighted, finish
from bitwright.compiler.steps import Step
from bitwright.compiler.storage import Storage, View
from bitwright.compiler.widening import pixels_side_by_side, ungrouped, widened
from bitwright.isa import Architecture
from bitwright.isa.instructions import ExecuteOpcode, RoundingCode, VectorOp
from bitwright.network import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Conv2d,
    Linear,
    MaxPool2d,
    Network,
    Requantization,
    Requantize,
    Threshold,
)


@dataclass(frozen=True, slots=True)
class Lowering:
    """Everything lowering a step needs to know."""

    network: Network
    architecture: Architecture
    storage: Storage
    places: dict[str, Place]
    batch: int

    def operations(self, step: Step) -> list[Operation]:
        """The compute instructions of a step, in order."""
        layer = step.layer
        if isinstance(layer, Weighted | Add | AvgPool2d | Requantize) and isinstance(
            layer.requantization, Requantization
        ):
            self._check_requantization(layer.name, layer.requantization)
        if isinstance(layer, BinaryConv2d):
            return [self._binary_convolution(step, layer)]
        if isinstance(layer, BinaryLinear):
            return [self._binary_linear(step, layer)]
        if isinstance(layer, Conv2d):
            if isinstance(layer.requantization, Threshold):
                # A group's channels need not begin with a byte of their bits.
                return self._convolution(step, ungrouped(layer))
            if (
                layer.groups > 1
                and layer.groups == layer.weight.shape[0] == self._input(step).channels
            ):
                return self._depthwise(step, layer)
            return self._convolution(step, layer)
        if isinstance(layer, Linear):
            return [self._linear(step, layer)]
        return [self._window(step)]

    def address(self, name: str) -> tuple[int, int]:
        """(bank, byte address) of a tensor's first byte."""
        view = self.storage.views[name]
        place = self.places[view.root]
        return place.bank, place.base + view.offset

    def _input(self, step: Step) -> View:
        return self.storage.views[step.source]

    def _zero_point(self, name: str) -> int:
        """Of a tensor or of the copy of one."""
        while name not in self.network:
            name = self._copied(name)
        return self.network[name].output.zero_point

    def _copied(self, copy: str) -> str:
        target, _, which = copy.rpartition(".")
        return self.network[target].inputs[1 if which == "second" else int(which)]

    def _check_requantization(self, name: str, requantization: Requantization) -> None:
        architecture = self.architecture
        if requantization.rounding.value not in architecture.roundings:
            raise CompileError(
                name,
                f"rounds {requantization.rounding.value}, but the lanes of"
                f" {architecture.name!r} are built for {', '.join(architecture.roundings)}",
            )
        widest = int(requantization.multiplier.max(initial=0)).bit_length()
        if widest > architecture.multiplier_bits:
            raise CompileError(
                name,
                f"has a multiplier of {widest} bits, but multiplier_bits is"
                f" {architecture.multiplier_bits}; quantize with multiplier_bits="
                f"{architecture.multiplier_bits}",
            )

    def _check_or(self, name: str) -> None:
        if not self.architecture.xnor:
            raise CompileError(
                name,
                f"takes the maximum of bits, but {self.architecture.name!r} has no XNOR engine; set"
                " xnor = true in the architecture",
            )

    def _check_residual(self, name: str, multiplier: int) -> None:
        bits = self.architecture.residual_bits
        if multiplier.bit_length() > bits:
            raise CompileError(
                name,
                f"has a residual multiplier of {multiplier.bit_length()} bits, but residual_bits is"
                f" {bits}",
            )

    def _check_accumulator(self, name: str, weight: Codes) -> None:
        needed = accumulator_bits(weight, None, -128, 127)
        available = self.architecture.accumulator_bits
        # At 32 bits the sum may wrap: with the bias it fits 32 bits again, as the network proves.
        if needed > available and available < 32:
            raise CompileError(
                name, f"needs accumulators of {needed} bits, but accumulator_bits is {available}"
            )

    def _common(self, step: Step, vector: bool) -> dict[str, int]:
        """Fields every operation has: where it reads and writes, and the tiles of its channels."""
        source, target = self._input(step), self.storage.views[step.target]
        in_bank, in_base = self.address(step.source)
        out_bank, out_base = self.address(step.target)
        fields = {
            "opcode": ExecuteOpcode.VECTOR if vector else ExecuteOpcode.CONV,
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
        fields |= self._tiles(target.channels, vector)
        if step.second is not None:
            second = self.storage.views[step.second]
            bank, base = self.address(step.second)
            fields |= {
                "residual": 1,
                "residual_bank": bank,
                "residual_base": base,
                "residual_pitch": second.pitch,
                "residual_zero_point": self._zero_point(step.second),
            }
        return fields

    def _tiles(self, channels: int, vector: bool) -> dict[str, int]:
        width = self.architecture.lanes if vector else self.architecture.columns
        tiles = -(-channels // width)
        return {"channel_tiles": tiles, "last_columns": channels - (tiles - 1) * width}

    def _requantized(self, requantization: Requantization, zero_point: int) -> dict[str, int]:
        return {
            "rounding": RoundingCode[requantization.rounding.value],
            "low": requantization.low,
            "high": requantization.high,
            "zero_point": zero_point,
        }

    @staticmethod
    def _windowed(
        source: View,
        stride: tuple[int, int],
        padding: tuple[int, int, int, int],
        dilation: tuple[int, int],
        kernel: tuple[int, int],
    ) -> dict[str, int]:
        """Fields of a sliding window; the base moves to the first, perhaps padded, pixel."""
        line = source.pitch * source.width
        return {
            "in_base": -padding[0] * line - padding[1] * source.pitch,
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

    def _convolution(self, step: Step, layer: Conv2d) -> list[Operation]:
        lanes, columns = self.architecture.lanes, self.architecture.columns
        source = self._input(step)
        written = [self.storage.views[name] for name in (step.target, step.second) if name]
        side_by_side = pixels_side_by_side(layer, source, tuple(written), self.architecture)
        layer = widened(layer, side_by_side)
        outputs, depth, kh, kw = layer.weight.shape
        self._check_accumulator(layer.name, layer.weight)
        if layer.residual_multiplier is not None:
            self._check_residual(layer.name, int(layer.residual_multiplier.max()))
        zero_point = self._zero_point(step.source)
        offset = -zero_point * layer.weight.reshape(outputs, -1).sum(axis=1)
        finished = finish(layer, offset, self._bound(layer), self.architecture)
        common = self._common(step, vector=False) | finished.fields
        common |= {
            "out_width": common["out_width"] // side_by_side,
            "out_pitch": common["out_pitch"] * side_by_side,
            "residual_pitch": common.get("residual_pitch", 0) * side_by_side,
        }
        window = self._windowed(source, layer.stride, layer.padding, layer.dilation, (kh, kw))
        window["in_base"] += common["in_base"]
        # (O, ky, segments, elements): a whole kernel line where its bytes follow one another.
        weight = layer.weight.transpose(0, 2, 3, 1)
        if depth == source.pitch and layer.dilation[1] == 1:
            weight = weight.reshape(outputs, kh, 1, kw * depth)
            window |= {"kernel_x": 1, "kernel_x_step": 0}
        words = -(-weight.shape[3] // lanes)
        per_group = outputs // layer.groups
        operations = []
        for group in range(layer.groups):
            chosen = slice(group * per_group, (group + 1) * per_group)
            fields = common | window | self._tiles(per_group, vector=False)
            fields |= {
                "in_base": window["in_base"] + group * depth,
                "x_start": window["x_start"] + group * depth,
                "out_base": common["out_base"] + group * per_group,
                "residual_base": common["residual_base"]
                + (group * per_group if common["residual"] else 0),
                "words": words,
                "pad": zero_point,
            }
            residual = layer.residual_multiplier
            operations.append(
                Operation(
                    step=step.name,
                    fields=fields,
                    weights=pack.array_weights(weight[chosen], words * lanes, columns, lanes),
                    parameters=finished.records(chosen, residual, columns),
                )
            )
        return operations

    def _bound(self, layer: Conv2d | Linear) -> int:
        """The greatest magnitude that a sum of the layer can have."""
        q = self.network[layer.inputs[0]].output
        furthest = max(q.high - q.zero_point, q.zero_point - q.low)
        weight = layer.weight.reshape(len(layer.weight), -1)
        return furthest * int(np.abs(weight).sum(axis=1).max())

    def _binary_convolution(self, step: Step, layer: BinaryConv2d) -> Operation:
        source = self._input(step)
        segments, lines = convolution_segments(layer, source)
        fields = self._common(step, vector=False)
        window = self._windowed(
            source, layer.stride, layer.padding, layer.dilation, layer.weight.shape[2:]
        )
        window["in_base"] += fields["in_base"]
        window |= {"kernel_x": 1, "kernel_x_step": 0} if lines else {}
        return self._on_engine(step, layer, segments, fields | window)

    def _binary_linear(self, step: Step, layer: BinaryLinear) -> Operation:
        segments = linear_segments(layer, self.storage.orders[step.source])
        return self._on_engine(step, layer, segments, self._common(step, vector=False))

    def _on_engine(
        self,
        step: Step,
        layer: BinaryConv2d | BinaryLinear,
        segments: Segments,
        fields: dict[str, int],
    ) -> Operation:
        architecture = self.architecture
        outputs, products = len(layer.weight), layer.weight[0].size
        check_engine(layer, products + segments.surplus, architecture)
        offset = np.full(outputs, -segments.surplus)
        finished = finish(layer, offset, products, architecture)
        words = segments.words(architecture)
        fields = fields | finished.fields | self._tiles(outputs, vector=False)
        fields |= {
            "binary": 1,
            "words": words,
            "last_bits": segments.last_bits(architecture),
        }
        return Operation(
            step=step.name,
            fields=fields,
            weights=pack.binary_weights(
                segments.weight, words, architecture.columns, architecture.lanes
            ),
            parameters=finished.records(slice(None), None, architecture.columns),
        )

    def _linear(self, step: Step, layer: Linear) -> Operation:
        lanes, columns = self.architecture.lanes, self.architecture.columns
        self._check_accumulator(layer.name, layer.weight)
        zero_point = self._zero_point(step.source)
        order = self.storage.orders[step.source]
        weight = layer.weight[:, order]
        words = -(-weight.shape[1] // lanes)
        offset = -zero_point * weight.sum(axis=1)
        finished = finish(layer, offset, self._bound(layer), self.architecture)
        fields = self._common(step, vector=False) | finished.fields
        fields |= self._tiles(len(weight), vector=False)
        fields |= {"words": words, "pad": zero_point, "line_bytes": weight.shape[1]}
        return Operation(
            step=step.name,
            fields=fields,
            weights=pack.array_weights(weight[:, None, None, :], words * lanes, columns, lanes),
            parameters=finished.records(slice(None), None, columns),
        )

    def _depthwise(self, step: Step, layer: Conv2d) -> list[Operation]:
        lanes = self.architecture.lanes
        channels, _, kh, kw = layer.weight.shape
        self._check_accumulator(layer.name, layer.weight)
        if layer.residual_multiplier is not None:
            self._check_residual(layer.name, int(layer.residual_multiplier.max()))
        zero_point = self._zero_point(step.source)
        offset = -zero_point * layer.weight.reshape(channels, -1).sum(axis=1)
        finished = finish(layer, offset, self._bound(layer), self.architecture)
        fields = self._common(step, vector=True) | finished.fields
        fields |= {"vector_op": VectorOp.MAC, "pad": zero_point}
        window = self._windowed(
            self._input(step), layer.stride, layer.padding, layer.dilation, (kh, kw)
        )
        window["in_base"] += fields["in_base"]
        choices = [[fields | window]]
        raster = windows_of_raster(layer, self._input(step), self.architecture)
        if raster is not None:
            choices.append(self._image_by_image(fields | raster))
        chosen = min(
            choices, key=lambda each: sum(vector_cycles(one, self.architecture) for one in each)
        )
        operation = Operation(
            step=step.name,
            fields=chosen[0],
            weights=pack.vector_weights(layer.weight[:, 0], lanes),
            parameters=finished.records(slice(None), layer.residual_multiplier, lanes),
        )
        return [replace(operation, fields=fields) for fields in chosen]

    def _image_by_image(self, fields: dict[str, int]) -> list[dict[str, int]]:
        """An instruction for each image of the batch, of one for all."""
        pixels = fields["out_width"] * fields["out_height"]
        return [
            fields
            | {
                "repeats": 0,
                "in_base": fields["in_base"] + n * fields["image_step"],
                "out_base": fields["out_base"] + n * pixels * fields["out_pitch"],
                "residual_base": fields["residual_base"]
                + n * pixels * fields.get("residual_pitch", 0),
            }
            for n in range(self.batch)
        ]

    def _window(self, step: Step) -> Operation:
        """Pooling, addition, a change of scale, or a copy: one record for all channels."""
        layer, fields = step.layer, self._common(step, vector=True)
        fields |= {"uniform": 1, "vector_op": VectorOp.SUM}
        bias, multiplier, shift, second = 0, 1, 0, 0
        if isinstance(layer, MaxPool2d | AvgPool2d):
            window = self._windowed(
                self._input(step),
                layer.stride,
                layer.padding,
                getattr(layer, "dilation", (1, 1)),
                layer.kernel,
            )
            window["in_base"] += fields["in_base"]
            fields |= window
        if isinstance(layer, MaxPool2d):
            fields |= {"vector_op": VectorOp.MAX, "pad": -128}
            fields |= {"low": layer.low, "high": layer.high}
            if layer.output.binary:
                # Bytes of bits, which no padding sets.
                self._check_or(layer.name)
                fields |= {"vector_op": VectorOp.OR, "pad": 0, "low": -128, "high": 127}
        elif isinstance(layer, AvgPool2d | Requantize | Add):
            zero_point = self._zero_point(step.source)
            kernel = layer.kernel if isinstance(layer, AvgPool2d) else (1, 1)
            bias = -zero_point * kernel[0] * kernel[1]
            multiplier = int(layer.requantization.multiplier[0])
            shift = int(layer.requantization.shift[0])
            fields |= self._requantized(layer.requantization, layer.output.zero_point)
            fields["pad"] = zero_point
            if isinstance(layer, Add):
                second = layer.multiplier_b
                self._check_residual(layer.name, second)
        # Shift 0 rounds alike in every way the lanes may be built for.
        fields.setdefault("rounding", RoundingCode[self.architecture.roundings[0]])
        return Operation(
            step=step.name,
            fields=fields,
            weights=np.zeros((0, self.architecture.lanes), np.uint8),
            parameters=pack.records(
                np.array([bias]),
                np.array([multiplier]),
                np.array([shift]),
                np.array([second]),
                1,
            ),
        )
