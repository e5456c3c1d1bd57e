"""The depthwise engine beside the vector lanes, which take its sums."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring

from bitwright.isa import Architecture, timing
from bitwright.rtl.delay import delayed
from bitwright.rtl.depthwise import DepthwiseEngine
from bitwright.rtl.takes import Takes
from bitwright.rtl.walker import Walker


@dataclass(frozen=True)
class Windows:
    """What the depthwise engine says of its windows, when the vector lanes would see theirs end."""

    window: Value
    closes: Value
    finished: Value
    columns: Value
    """Channels of the window's tile."""
    opens: Value
    """The first window of a channel tile."""
    fills: Value
    """The same where another tile follows."""
    fault: Value
    """A weight outside the buffer was asked for."""


def depthwise_path(
    m: Module, ports: wiring.Component, architecture: Architecture, walker: Walker, takes: Takes
) -> Windows | None:
    """Connect it; ``ports`` are those of `Compute`. None where the architecture has no engine."""
    if not architecture.line_words:
        return None
    config = ports.config
    m.submodules.depthwise = engine = DepthwiseEngine(architecture)
    # It is told of a word in the cycle before the word is there.
    before_word = timing.READ_LATENCY - 1
    for port, value in (
        ("coming", walker.valid & config.walk.paced),
        ("tile_ends", walker.closing),
        ("last_tile", walker.last_tile),
        ("walk_ends", walker.finished & config.walk.paced),
    ):
        m.d.comb += getattr(engine, port).eq(delayed(m, value, before_word, f"engine_{port}"))
    m.d.comb += [
        engine.config.eq(config.window),
        engine.pad.eq(config.pad),
        engine.weight_base.eq(config.walk.weight),
        engine.start.eq(takes.vector & config.walk.paced),
        engine.word.eq(m.submodules["window"].word),
        engine.weight_data.eq(ports.weight_data),
        m.submodules["vector"].window_sums.eq(engine.acc),
    ]
    with m.If(config.walk.paced):
        m.d.comb += ports.weight_address.eq(engine.weight_address)
    # The lanes' sums are as late as if the vector lanes had seen the windows in that cycle.
    lag = timing.DEPTHWISE_LAG - before_word
    columns = Mux(engine.of_last, config.last_columns, architecture.lanes)
    return Windows(
        window=delayed(m, engine.completes, lag, "engine_window"),
        closes=delayed(m, engine.closes, lag, "engine_closes"),
        finished=delayed(m, engine.finished, lag, "engine_finished"),
        columns=delayed(m, columns, lag, "engine_columns"),
        opens=delayed(m, engine.opens, lag, "engine_opens"),
        fills=delayed(m, engine.opens & ~engine.of_last, lag, "engine_fills"),
        fault=engine.weight_valid & (engine.weight_address >= architecture.weight_words),
    )
