"""The first wrong bit, named: layer, output, tile, PE, operands, expected and got."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.compiler import LayerPlan, Program, predict
from bitwright.compiler.overlap import tile_cycles
from bitwright.compiler.work import output_pixels, window_cycle
from bitwright.isa import timing
from bitwright.isa.instructions import ExecuteOpcode, VectorOp
from bitwright.network import (
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Conv2d,
    Linear,
    MaxPool2d,
)

SHOWN_OPERANDS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which part of the machine computed an output, and when."""

    engine: str
    """``array``, ``XNOR engine``, ``vector lanes``, ``depthwise engine`` or ``host stream``."""
    instruction: int
    channel_tile: int
    pixel_tile: int
    row: int
    """Of the array; 0 elsewhere."""
    column: int
    """Of the array, or the lane."""
    cycle: int
    """Of the instruction, as its counter runs: about that of the output's write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first output that differs."""

    layer: str
    kind: str
    image: int
    index: tuple[int, ...]
    """(channel, y, x), or (channel,)."""
    expected: int
    got: int
    differing: int
    """Outputs of this layer that differ, in all images."""
    place: Place
    activations: tuple[int, ...]
    """Operand codes in (ky, kx, ci) order; padding reads as the zero point. Of a binary layer they
    are -1 and 1, and padding 0."""
    weights: tuple[int, ...]
    accumulator: int | None
    """The exact sum before requantisation, if the layer has one."""

    def describe(self) -> str:
        """A few lines for people."""
        place = self.place
        where = (
            f"pe[{place.row}][{place.column}]"
            if place.engine == "array"
            else f"row {place.row}, channel {place.column}"
            if place.engine == "XNOR engine"
            else f"lane {place.column}"
        )
        lines = [
            (
                f"first difference: layer {self.layer!r} ({self.kind}), image {self.image},"
                f" output index {list(self.index)}"
            ),
            (
                f"  expected {self.expected} ({self.expected & 0xFF:08b}),"
                f" got {self.got} ({self.got & 0xFF:08b});"
                f" {self.differing} outputs of this layer differ"
            ),
            (
                f"  computed by the {place.engine}, instruction {place.instruction}, channel tile"
                f" {place.channel_tile}, pixel tile {place.pixel_tile}, {where},"
                f" about cycle {place.cycle} of the instruction"
            ),
        ]
        if self.activations:
            lines.append(f"  activations ({len(self.activations)}): {_shown(self.activations)}")
        if self.weights:
            lines.append(f"  weights     ({len(self.weights)}): {_shown(self.weights)}")
        if self.accumulator is not None:
            lines.append(f"  exact accumulator {self.accumulator}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """All of it, for scripts."""
        return asdict(self)


def find_divergence(
    program: Program,
    expected: dict[str, NDArray[np.int8]],
    got: dict[str, NDArray[np.int8]],
) -> Divergence | None:
    """The first layer in the network's order with a differing output, and there the first one."""
    for layer in program.network:
        wrong = expected[layer.name] != got[layer.name]
        if wrong.any():
            first = tuple(int(n) for n in np.argwhere(wrong)[0])
            return _named(program, layer.name, first, expected, got, int(wrong.sum()))
    return None


def _named(
    program: Program,
    name: str,
    first: tuple[int, ...],
    expected: dict[str, NDArray[np.int8]],
    got: dict[str, NDArray[np.int8]],
    differing: int,
) -> Divergence:
    network = program.network
    layer = network[name]
    image, index = first[0], first[1:]
    inputs = [expected[source][image : image + 1] for source in layer.inputs]
    activations: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    accumulator = None
    weighted = isinstance(layer, Conv2d | Linear | BinaryConv2d | BinaryLinear)
    if weighted or isinstance(layer, AvgPool2d | MaxPool2d):
        codes, factors = network.operands(name, inputs, (0, *index))
        activations = tuple(int(code) for code in codes)
        weights = tuple(int(code) for code in factors)
    if weighted or isinstance(layer, AvgPool2d):
        accumulator = int(network.accumulators(name, inputs)[(0, *index)])
    plan = next(plan for plan in program.layers if plan.name == name)
    return Divergence(
        layer=name,
        kind=type(layer).__name__,
        image=image,
        index=index,
        expected=int(expected[name][first]),
        got=int(got[name][first]),
        differing=differing,
        place=locate(program, plan, index, image % program.batch),
        activations=activations,
        weights=weights,
        accumulator=accumulator,
    )


def locate(program: Program, plan: LayerPlan, index: tuple[int, ...], image: int = 0) -> Place:
    """Which instruction, tile and PE computes the output ``index`` of an image of a batch."""
    architecture = program.architecture
    channel, stored = _stored_place(plan, index)
    stored += image * plan.region.pixels // program.batch
    decoded = program.decoded()
    for number in plan.instructions:
        fields = decoded[number]
        vector = fields["opcode"] == ExecuteOpcode.VECTOR
        if not vector and fields["opcode"] != ExecuteOpcode.CONV:
            continue
        width = architecture.lanes if vector else architecture.columns
        count = (fields["channel_tiles"] - 1) * width + fields["last_columns"]
        # A depthwise convolution has an instruction for each image of a batch.
        begins = (fields["out_base"] - plan.region.base) // plan.region.pitch
        before = plan.region.base + begins * plan.region.pitch - fields["out_base"]
        # The lanes take bits as bytes, array and engine channel by channel.
        codes = 8 // plan.region.bits
        offset = channel // codes + before if vector else channel + codes * before
        pixels = output_pixels(fields)
        # A convolution of few channels may compute several pixels side by side in the columns.
        pixel, beside = divmod(stored - begins, fields["out_pitch"] // plan.region.pitch)
        offset += beside * plan.region.pitch
        if not 0 <= offset < count or not 0 <= pixel < pixels:
            continue
        tile, column = divmod(offset, width)
        taps = fields["words"] * fields["kernel_x"] * fields["kernel_y"]
        if vector:
            depthwise = fields["vector_op"] == VectorOp.DEPTHWISE
            if depthwise:
                cycle = window_cycle(fields, tile, pixel, architecture)
                cycle += timing.DEPTHWISE_LAG + timing.VECTOR_WRITE
            else:
                cycle = (tile * (pixels * taps)) + (tile + 1) * (
                    architecture.lanes + timing.FILL_OVERHEAD
                )
                cycle += (pixel + 1) * taps + timing.VECTOR_WRITE
            return Place(
                engine="depthwise engine" if depthwise else "vector lanes",
                instruction=number,
                channel_tile=tile,
                pixel_tile=pixel,
                row=0,
                column=column,
                cycle=cycle,
            )
        pixel_tile, row = divmod(pixel, architecture.rows)
        tiles = -(-pixels // architecture.rows)
        left = fields["channel_tiles"] * tiles - 1 - (tile * tiles + pixel_tile)
        written = timing.array_write(architecture) - (architecture.lanes - 1) + row
        before_end = left * tile_cycles(fields, architecture)
        before_end += timing.array_drain(architecture) - written
        cycle = predict(program).instructions[number] - before_end
        return Place(
            engine="XNOR engine" if fields["binary"] else "array",
            instruction=number,
            channel_tile=tile,
            pixel_tile=pixel_tile,
            row=row,
            column=column,
            cycle=cycle,
        )
    return Place(
        engine="host stream",
        instruction=plan.instructions[-1],
        channel_tile=0,
        pixel_tile=0,
        row=0,
        column=0,
        cycle=0,
    )


def _stored_place(plan: LayerPlan, index: tuple[int, ...]) -> tuple[int, int]:
    """(channel, pixel) as stored."""
    if len(index) == 3:
        _, _, width = plan.shape
        return index[0], index[1] * width + index[2]
    return (index[0] if plan.order is None else plan.order.index(index[0])), 0


def _shown(codes: tuple[int, ...]) -> str:
    shown = " ".join(str(code) for code in codes[:SHOWN_OPERANDS])
    return shown + (" ..." if len(codes) > SHOWN_OPERANDS else "")
