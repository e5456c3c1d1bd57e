"""Parameter records: with each tile's drain, or into the chain before a vector tile."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from bitwright.isa import Architecture, timing
from bitwright.rtl.delay import delayed
from bitwright.rtl.depthwise_path import Windows
from bitwright.rtl.parameters import ParameterSequencer
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.takes import Takes
from bitwright.rtl.walker import Walker


def parameter_path(
    m: Module,
    ports: wiring.Component,
    architecture: Architecture,
    walker: Walker,
    post: PostProcessor,
    takes: Takes,
    ended: Value,
    engine: Windows | None,
) -> Value:
    """Connect them; ``ports`` are those of `Compute`. Returns the fault of the oldest records.

    ``ended`` is high as the last element of a tile enters the array.
    """
    config = ports.config
    vector = config.walk.vector
    m.submodules.parameters = parameters = ParameterSequencer(architecture)
    asked = Signal()
    m.d.sync += asked.eq(walker.waiting)
    asks = walker.waiting & ~asked & ~config.walk.paced
    # A tile's sums leave the array some time after its last element entered.
    distance = timing.array_parameters(architecture)
    drain = delayed(m, ended, distance - timing.READ_LATENCY - 1, "drain")
    m.d.comb += [
        parameters.start.eq(takes.at(distance)),
        parameters.base.eq(config.parameter_base),
        parameters.vector.eq(vector),
        parameters.uniform.eq(config.uniform),
        parameters.drain.eq(drain),
        parameters.closing.eq(delayed(m, walker.closing, distance, "drain_closing")),
        # The chain may move once the last window before has left the vector lanes.
        parameters.fill.eq(delayed(m, asks, timing.FILL_OVERHEAD - 1, "fill")),
        walker.proceed.eq(parameters.filled & vector & ~config.walk.paced),
        ports.parameter_address.eq(parameters.address),
        post.parameters.eq(ports.parameter_data),
        post.shift_parameters.eq(delayed(m, ~vector | parameters.valid, 1, "shift")),
    ]
    if engine:
        # The first window's sums are at the lanes a cycle after `take`. Two cycles before it
        # the chain may be filled again: its first record is behind the lane's by then.
        to_take = timing.DEPTHWISE_LATENCY
        begins = delayed(m, takes.vector & config.walk.paced, 1, "fill_begins")
        refill = delayed(m, engine.fills, to_take - 2, "refill")
        m.d.comb += [
            post.hold.eq(config.walk.paced),
            post.take.eq(delayed(m, engine.opens, to_take, "take")),
        ]
        with m.If(config.walk.paced):
            m.d.comb += parameters.fill.eq(begins | refill)
    return parameters.valid & (parameters.address >= architecture.parameter_records)
