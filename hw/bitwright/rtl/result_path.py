"""The residual that meets a result, and the place the result is written to."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from bitwright.isa import Architecture, timing
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.delay import delayed
from bitwright.rtl.depthwise_path import Windows
from bitwright.rtl.linear import LinearWalker
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.takes import Takes
from bitwright.rtl.walker import Walker
from bitwright.rtl.writepath import WritePath


def result_path(
    m: Module,
    ports: wiring.Component,
    architecture: Architecture,
    walker: Walker,
    buffers: ActivationBuffers,
    post: PostProcessor,
    takes: Takes,
    engine: Windows | None,
) -> list[Value]:
    """Connect them; ``ports`` are those of `Compute`. Returns the faults of the oldest results."""
    config = ports.config
    lanes, rows, vector = architecture.lanes, architecture.rows, config.walk.vector
    m.submodules.residual = residual = ReadPath(architecture)
    m.submodules.residual_walker = residual_walker = LinearWalker(architecture)
    m.submodules.write_walker = write_walker = LinearWalker(architecture)
    m.submodules.write = write = WritePath(architecture)

    # The end of a row's tile (of a window, in vector mode), and what follows from it.
    end = Signal(3, name="row_end")
    m.d.comb += end.eq(
        Cat(
            walker.last_word & (vector | (walker.slot < rows)),
            walker.row_valid,
            walker.closing & (vector | (walker.slot == rows - 1)),
        )
    )
    if engine:
        with m.If(config.walk.paced):
            m.d.comb += end.eq(Cat(engine.window, engine.window, engine.closes))
    to_residual, to_write = (
        timing.array_residual(architecture),
        timing.array_write(architecture),
    )
    in_lanes = delayed(m, vector, 1, "in_lanes")  # long before the first end
    ends = [end]
    while len(ends) <= to_write:
        # A window's end stops at its write: farther on it would meet the next instruction.
        spent = vector & (len(ends) == timing.VECTOR_WRITE + 1)
        ends.append(delayed(m, Mux(spent, 0, ends[-1]), 1, f"row_end_{len(ends)}"))
    for linear, array_delay, vector_delay, base, pitch in (
        (
            residual_walker,
            to_residual,
            timing.VECTOR_RESIDUAL,
            config.residual_base,
            config.residual_pitch,
        ),
        (write_walker, to_write, timing.VECTOR_WRITE, config.out_base, config.out_pitch),
    ):
        m.d.comb += [
            linear.start.eq(takes.at(array_delay)),
            linear.base.eq(base),
            linear.pitch.eq(pitch),
            linear.step.eq(full_tile(architecture, vector)),
            linear.channel_tiles.eq(config.walk.channel_tiles),
            linear.last_columns.eq(config.last_columns),
            Cat(linear.event, linear.row_valid, linear.closing).eq(
                Mux(in_lanes, ends[vector_delay], ends[array_delay])
            ),
        ]

    if architecture.xnor:
        with m.If(config.lane.signs):
            m.d.comb += [
                write_walker.step.eq(architecture.columns // 8),
                write_walker.last_columns.eq((config.last_columns + 7) >> 3),
            ]
    slots = delayed(m, walker.slot, to_residual, "slot_end")
    residual_slot = delayed(m, slots, timing.READ_LATENCY - 1, "residual_slot")
    select = delayed(m, residual_slot, to_write - to_residual - timing.READ_LATENCY, "select")
    residual_bank, residual_used, out_bank = Signal(), Signal(), Signal()
    with m.If(residual_walker.start):
        m.d.sync += [
            residual_bank.eq(config.residual_bank),
            residual_used.eq(config.lane.residual),
        ]
    with m.If(write_walker.start):
        m.d.sync += out_bank.eq(config.out_bank)
    residual_valid = residual_walker.valid & residual_used
    m.d.comb += [
        residual.valid.eq(residual_valid),
        residual.address.eq(residual_walker.address),
        residual.inside.eq(1),
        residual.line_bytes.eq(lanes),
        residual.used.eq(residual_walker.count),
        residual.data.eq(buffers.residual.data),
        buffers.residual.valid.eq(residual.bank_valid),
        buffers.residual.bank.eq(delayed(m, residual_bank, 1, "residual_port_bank")),
        buffers.residual.word.eq(residual.bank_word),
        buffers.residual.bump.eq(residual.bank_bump),
        post.residual_valid.eq(
            delayed(m, residual_valid, timing.READ_LATENCY - 1, "residual_valid")
        ),
        post.residual_slot.eq(residual_slot),
        post.residual_word.eq(residual.word),
        post.select.eq(select),
        ports.write_valid.eq(Mux(ports.loading, ports.load_valid, write_walker.valid)),
        ports.write_bank.eq(Mux(ports.loading, config.in_bank, out_bank)),
        ports.write_address.eq(Mux(ports.loading, ports.load_address, write_walker.address)),
        ports.write_count.eq(Mux(ports.loading, lanes, write_walker.count)),
        ports.write_word.eq(Mux(ports.loading, ports.load_word, post.word)),
        write.valid.eq(ports.write_valid),
        write.address.eq(ports.write_address),
        write.count.eq(ports.write_count),
        write.word.eq(ports.write_word),
        buffers.write_word.eq(write.bank_word),
        buffers.write_bump.eq(write.bank_bump),
        buffers.write_enable.eq(write.bank_enable),
        buffers.write_data.eq(write.bank_data),
        buffers.write_bank.eq(delayed(m, ports.write_bank, 2, "written_bank")),
    ]
    return [residual.fault, write.fault]


def full_tile(architecture: Architecture, vector: Value) -> Value:
    """Channels of a full channel tile."""
    return Mux(vector, architecture.lanes, architecture.columns)
