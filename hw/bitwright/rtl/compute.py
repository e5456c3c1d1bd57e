"""The datapath: from activations in the banks, over array or lanes, back into the banks."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import VectorOp
from bitwright.rtl.assertions import PROGRAM, Simulation, check
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.config import ComputeConfig, LaneConfig
from bitwright.rtl.delay import delay_line, delayed
from bitwright.rtl.depthwise_path import depthwise_path
from bitwright.rtl.parameter_path import parameter_path
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.product import times
from bitwright.rtl.result_path import full_tile, result_path
from bitwright.rtl.takes import Takes
from bitwright.rtl.walker import Walker
from bitwright.rtl.window_path import window_path


class Compute(wiring.Component):
    """A `Walker` leads; everything else follows it at fixed distances (`bitwright.isa.timing`).

    Latency: from ``finished``, the walker's last request, to ``done``, when the last byte can be
    read, it is `timing.array_drain` or `timing.VECTOR_DRAIN` cycles. Throughput: R x C products per
    cycle without gaps between tiles.

    Handshake: ``start`` while not ``walking``. Between two array instructions that is all: the
    parts behind the walker take what they need of ``config`` when the new instruction's first
    element reaches them, so ``config`` must be stable for `timing.array_settled` cycles from
    ``start`` on, and as long as the walk lasts. An instruction of another kind starts after
    ``done``.

    ``load_*`` writes words of the input stream while ``loading``; ``store_*`` reads words for the
    output stream while ``storing``, in ``window_word`` 5 cycles later. After an access outside a
    buffer ``walk_fault`` is high, for the newest instruction's walk, or ``result_fault``, for the
    oldest one's parameters, residuals and results.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes, word = architecture.lanes, ArrayLayout(8, architecture.lanes)
        super().__init__(
            {
                "config": In(ComputeConfig()),
                "start": In(1),
                "walking": Out(1),
                "finished": Out(1),
                "done": Out(1),
                "walk_fault": Out(1),
                "result_fault": Out(1),
                "macs": Out(range(timing.most_macs(architecture) + 1)),
                "loading": In(1),
                "load_valid": In(1),
                "load_address": In(signed(26)),
                "load_word": In(word),
                "storing": In(1),
                "store_valid": In(1),
                "store_address": In(signed(26)),
                "window_word": Out(word),
                "weight_address": Out(unsigned((architecture.weight_words - 1).bit_length())),
                "weight_data": In(8 * lanes),
                "parameter_address": Out(
                    unsigned((architecture.parameter_records - 1).bit_length())
                ),
                "parameter_data": In(128),
                "write_valid": Out(1),
                "write_bank": Out(1),
                "write_address": Out(signed(26)),
                "write_count": Out(range(lanes + 1)),
                "write_word": Out(word),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        architecture = self._architecture
        m.submodules.walker = walker = Walker(architecture)
        m.submodules.buffers = buffers = ActivationBuffers(architecture)
        m.submodules.post = post = PostProcessor(architecture)
        vector = self.config.walk.vector
        m.d.comb += [
            walker.config.eq(self.config.walk),
            walker.start.eq(self.start),
            self.walking.eq(walker.busy),
            self.finished.eq(walker.finished),
            post.vector.eq(delayed(m, vector, 1, "post_vector")),
        ]
        drain = timing.array_drain(architecture)
        begun = delay_line(m, self.start & ~vector, timing.array_write(architecture), "begun")
        takes = Takes(vector=self.start & vector, begun=begun)
        tile_end = walker.last_word & (walker.slot == architecture.lanes - 1) & ~vector
        ended = delayed(m, tile_end, timing.READ_LATENCY + 1, "tile_ended")

        walk_fault = window_path(m, self, architecture, walker, buffers, post, ended)
        engine = depthwise_path(m, self, architecture, walker, takes)
        faults = [parameter_path(m, self, architecture, walker, post, takes, ended, engine)]
        faults += result_path(m, self, architecture, walker, buffers, post, takes, engine)
        m.d.comb += self.result_fault.eq(Cat(faults).any())
        self._take_lane_config(m, walker, post, takes)
        m.d.comb += self.walk_fault.eq(walk_fault | (engine.fault if engine else 0))

        landed = delay_line(m, walker.finished & ~vector, drain, "landed")
        windowed = walker.finished & vector
        if engine:
            windowed = Mux(self.config.walk.paced, engine.finished, windowed)
        passed = delay_line(m, windowed, timing.VECTOR_DRAIN, "passed")
        m.d.comb += self.done.eq(landed[-1] | passed[-1])
        due = Cat(landed, passed)
        check(m, platform, ~takes.vector | ~due.any(), "compute: started while results are due")
        if isinstance(platform, Simulation):
            self._check_buffers(m, platform)

        multiplies = ~vector | (self.config.vector_op == VectorOp.MAC)
        columns = Mux(walker.last_tile, self.config.last_columns, full_tile(architecture, vector))
        with m.If(walker.row_valid & multiplies):
            m.d.comb += self.macs.eq(
                Mux(vector, columns, columns << (architecture.lanes - 1).bit_length())
            )
            if architecture.xnor:
                with m.If(self.config.walk.binary):
                    m.d.comb += self.macs.eq(columns << architecture.lanes.bit_length() + 2)
        if engine:
            with m.Elif(engine.window):
                m.d.comb += self.macs.eq(times(engine.columns, timing.DEPTHWISE_TAPS))
        return m

    def _check_buffers(self, m: Module, platform: object) -> None:
        """No port is asked for two things at once, no byte read in the cycle it is written."""
        window, residual, write = (m.submodules[name] for name in ("window", "residual", "write"))
        buffers, results = m.submodules["buffers"], m.submodules["write_walker"].valid
        message = "compute: a result and a word of the input stream are written at once"
        check(m, platform, ~(self.loading & self.load_valid & results), message)
        asked = ~self.storing | ~self.store_valid | ~m.submodules["walker"].row_valid
        check(m, platform, asked, "compute: a window and a word to store are read at once")
        banks = delayed(m, Cat(buffers.window.bank, buffers.residual.bank), 1, "read_banks")
        both = window.looked_at & residual.looked_at & (banks[0] == banks[1])
        check(m, platform, ~both, PROGRAM + "window and residual are read from one bank at once")
        # Requests of two cycles ago against the write that was in the memory then.
        written = delayed(m, Cat(write.valid, write.count), 3, "written")
        start = delayed(m, write.address, 3, "written_address")
        written_bank = delayed(m, buffers.write_bank, 1, "written_bank")
        for read, bank in ((window, banks[0]), (residual, banks[1])):
            begin = delayed(m, read.address, 2, "read_address")
            apart = (begin + read.end <= start) | (start + written[1:] <= begin + read.first)
            meets = read.looked_at & written[0] & (bank == written_bank)
            check(m, platform, ~meets | apart, PROGRAM + "a byte is read as it is written")

    def _take_lane_config(
        self, m: Module, walker: Walker, post: PostProcessor, takes: Takes
    ) -> None:
        """The lanes change over in the cycle before the first accumulator reaches lane 0.

        That is long after the start where a tile is long; the configuration waits in ``coming``.
        """
        opening, first_end = Signal(), Signal()
        coming = Signal(LaneConfig())
        m.d.comb += first_end.eq(opening & walker.last_word & (walker.slot == 0))
        with m.If(takes.begun[0]):
            m.d.sync += opening.eq(1)
        with m.Elif(first_end):
            m.d.sync += opening.eq(0)
        distance = timing.array_result(self._architecture)
        changes = delay_line(m, first_end, distance - 1, "changes")[-1]
        with m.If(takes.begun[distance]):
            m.d.sync += coming.eq(self.config.lane)
        with m.If(takes.vector):
            m.d.sync += post.config.eq(self.config.lane)
        with m.Elif(changes):
            m.d.sync += post.config.eq(coming)
