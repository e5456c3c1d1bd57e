"""The walk's words, through the array and through the vector lanes, to the lanes."""

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import VectorOp
from bitwright.rtl.array import SystolicArray
from bitwright.rtl.binary_path import xnor_results
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.delay import delayed
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.serializer import RowSerializers
from bitwright.rtl.vector import VectorLanes
from bitwright.rtl.walker import Walker


def window_path(
    m: Module,
    ports: wiring.Component,
    architecture: Architecture,
    walker: Walker,
    buffers: ActivationBuffers,
    post: PostProcessor,
    ended: Value,
) -> Value:
    """Connect them; ``ports`` are those of `Compute`. Returns the fault of the newest walk.

    ``ended`` is high as the last element of a tile enters the array.
    """
    config = ports.config
    lanes, vector = architecture.lanes, config.walk.vector
    m.submodules.window = window = ReadPath(architecture)
    m.submodules.serializers = serializers = RowSerializers(architecture)
    m.submodules.array = array = SystolicArray(architecture)
    m.submodules.vector = vector_lanes = VectorLanes(architecture)

    # A store borrows the window's port while nothing is computed.
    m.d.comb += [
        window.valid.eq(Mux(ports.storing, ports.store_valid, walker.row_valid)),
        window.address.eq(Mux(ports.storing, ports.store_address, walker.address)),
        window.x.eq(Mux(ports.storing, 0, walker.x)),
        window.inside.eq(ports.storing | walker.inside),
        window.line_bytes.eq(Mux(ports.storing, lanes, config.line_bytes)),
        # The padding is put in two cycles after the request, perhaps under the next config.
        window.pad.eq(delayed(m, config.pad, timing.READ_LATENCY - 1, "pad")),
        # Past the last channel lies what follows the tensor, or nothing.
        window.used.eq(Mux(vector & walker.last_tile, config.last_columns, lanes)),
        window.data.eq(buffers.window.data),
        buffers.window.valid.eq(window.bank_valid),
        buffers.window.bank.eq(delayed(m, config.in_bank, 1, "window_bank")),
        buffers.window.word.eq(window.bank_word),
        buffers.window.bump.eq(window.bank_bump),
        ports.window_word.eq(window.word),
        ports.weight_address.eq(walker.weight),
    ]

    # Array: the word of slot s is at row s one cycle after it was read; the weights follow the
    # walk so that element and weight meet at row 0.
    at_word = timing.READ_LATENCY
    at_row = at_word + 1
    word_weights = delayed(m, ports.weight_data, at_word - 1, "word_weights")
    weights = delayed(m, word_weights, at_row - at_word, "weights")
    tile_start = walker.first_word & (walker.slot == 0) & ~vector
    array_ended, sums = ended, array.result
    if architecture.xnor:
        # The array lets no sums out, and the engine's take their place.
        binary = delayed(m, config.walk.binary, at_row, "xnor_binary")
        array_ended = ended & ~binary
        results = xnor_results(m, architecture, config, walker, window, weights)
        sums = [results[n] | array.result[n] for n in range(architecture.rows)]
    m.d.comb += [
        serializers.valid.eq(delayed(m, walker.valid & ~vector, at_word - 1, "word_valid")),
        serializers.slot.eq(delayed(m, walker.slot, at_word - 1, "slot")),
        serializers.word.eq(window.word),
        array.activation.eq(serializers.element),
        array.first.eq(delayed(m, tile_start, at_row, "first")),
        array.last.eq(array_ended),
        *(array.weight[j].eq(weights.word_select(j, 8)) for j in range(architecture.columns)),
        *(post.row_acc[n].eq(sums[n]) for n in range(architecture.rows)),
    ]

    # Vector: word and weight word meet when the word is read.
    m.d.comb += [
        vector_lanes.op.eq(config.vector_op),
        vector_lanes.valid.eq(delayed(m, walker.valid & vector, at_word, "window_valid")),
        vector_lanes.first.eq(delayed(m, walker.first_word, at_word, "window_first")),
        vector_lanes.word.eq(window.word),
        vector_lanes.weight.eq(word_weights),
        post.lane_acc.eq(vector_lanes.acc),
    ]
    multiplies = ~vector | (config.vector_op == VectorOp.MAC)
    weight_fault = walker.valid & multiplies & (walker.weight >= architecture.weight_words)
    # As late as the window's: so it is told whose walk it is of.
    return window.fault | delayed(m, weight_fault, ReadPath.FAULT, "weight_fault")
