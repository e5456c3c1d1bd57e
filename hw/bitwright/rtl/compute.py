"""The datapath: from activations in the banks, over array or lanes, back into the banks."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import VectorOp
from bitwright.rtl.array import SystolicArray
from bitwright.rtl.assertions import PROGRAM, Simulation, check
from bitwright.rtl.binary_path import xnor_results
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.config import ComputeConfig, LaneConfig
from bitwright.rtl.delay import delay_line, delayed
from bitwright.rtl.depthwise import DepthwiseEngine
from bitwright.rtl.linear import LinearWalker
from bitwright.rtl.parameters import ParameterSequencer
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.product import times
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.serializer import RowSerializers
from bitwright.rtl.vector import VectorLanes
from bitwright.rtl.walker import Walker
from bitwright.rtl.writepath import WritePath


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
        m.submodules.walker = walker = Walker(self._architecture)
        m.submodules.buffers = buffers = ActivationBuffers(self._architecture)
        m.submodules.post = post = PostProcessor(self._architecture)
        vector = self.config.walk.vector
        m.d.comb += [
            walker.config.eq(self.config.walk),
            walker.start.eq(self.start),
            self.walking.eq(walker.busy),
            self.finished.eq(walker.finished),
            post.vector.eq(vector),
        ]
        drain = timing.array_drain(self._architecture)
        begun = delay_line(m, self.start & ~vector, timing.array_write(self._architecture), "begun")
        takes = _Takes(vector=self.start & vector, begun=begun)
        tile_end = walker.last_word & (walker.slot == self._architecture.lanes - 1) & ~vector
        ended = delayed(m, tile_end, timing.READ_LATENCY + 1, "tile_ended")

        walk_fault = self._window(m, walker, buffers, post, ended)
        engine = self._depthwise(m, walker, takes)
        faults = [self._parameters(m, walker, post, takes, ended, engine)]
        faults += self._results(m, walker, buffers, post, takes, engine)
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
        columns = Mux(walker.last_tile, self.config.last_columns, self._step(vector))
        with m.If(walker.row_valid & multiplies):
            m.d.comb += self.macs.eq(
                Mux(vector, columns, columns << (self._architecture.lanes - 1).bit_length())
            )
            if self._architecture.xnor:
                with m.If(self.config.walk.binary):
                    m.d.comb += self.macs.eq(columns << self._architecture.lanes.bit_length() + 2)
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
        # Requests of a cycle ago against the write that was in the memory then.
        written = delayed(m, Cat(write.valid, write.count), 3, "written")
        start = delayed(m, write.address, 3, "written_address")
        written_bank = delayed(m, buffers.write_bank, 1, "written_bank")
        for read, bank in ((window, banks[0]), (residual, banks[1])):
            begin = delayed(m, read.address, 1, "read_address")
            apart = (begin + read.end <= start) | (start + written[1:] <= begin + read.first)
            meets = read.looked_at & written[0] & (bank == written_bank)
            check(m, platform, ~meets | apart, PROGRAM + "a byte is read as it is written")

    def _step(self, vector: Any) -> Any:
        """Channels of a full channel tile."""
        return Mux(vector, self._architecture.lanes, self._architecture.columns)

    def _window(
        self,
        m: Module,
        walker: Walker,
        buffers: ActivationBuffers,
        post: PostProcessor,
        ended: Any,
    ) -> Any:
        """The walk's words, through the array and through the vector lanes, to the lanes."""
        architecture, config = self._architecture, self.config
        lanes, vector = architecture.lanes, config.walk.vector
        m.submodules.window = window = ReadPath(architecture)
        m.submodules.serializers = serializers = RowSerializers(architecture)
        m.submodules.array = array = SystolicArray(architecture)
        m.submodules.vector = vector_lanes = VectorLanes(architecture)

        # A store borrows the window's port while nothing is computed. Its address comes a long way.
        stores = delayed(m, self.store_valid, 1, "stores")
        store_address = delayed(m, self.store_address, 1, "store_address")
        m.d.comb += [
            window.valid.eq(Mux(self.storing, stores, walker.row_valid)),
            window.address.eq(Mux(self.storing, store_address, walker.address)),
            window.x.eq(Mux(self.storing, 0, walker.x)),
            window.inside.eq(self.storing | walker.inside),
            window.line_bytes.eq(Mux(self.storing, lanes, config.line_bytes)),
            # The padding is put in two cycles after the request, perhaps under the next config.
            window.pad.eq(delayed(m, config.pad, timing.READ_LATENCY - 1, "pad")),
            # Past the last channel lies what follows the tensor, or nothing.
            window.used.eq(Mux(vector & walker.last_tile, config.last_columns, lanes)),
            window.data.eq(buffers.window.data),
            buffers.window.valid.eq(window.valid),
            buffers.window.bank.eq(config.in_bank),
            buffers.window.word.eq(window.bank_word),
            buffers.window.bump.eq(window.bank_bump),
            self.window_word.eq(window.word),
            self.weight_address.eq(walker.weight),
        ]

        # Array: the word of slot s is at row s one cycle after it was read; the weights follow the
        # walk so that element and weight meet at row 0.
        at_word = timing.READ_LATENCY
        at_row = at_word + 1
        word_weights = delayed(m, self.weight_data, at_word - 1, "word_weights")
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
        return window.fault | weight_fault

    def _depthwise(self, m: Module, walker: Walker, takes: "_Takes") -> "_Windows | None":
        """The depthwise engine beside the vector lanes, which take its sums."""
        architecture, config = self._architecture, self.config
        if not architecture.line_words:
            return None
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
            engine.weight_data.eq(self.weight_data),
            m.submodules["vector"].window_sums.eq(engine.acc),
        ]
        with m.If(config.walk.paced):
            m.d.comb += self.weight_address.eq(engine.weight_address)
        # The lanes' sums are as late as if the vector lanes had seen the windows in that cycle.
        lag = timing.DEPTHWISE_LAG - before_word
        columns = Mux(engine.of_last, config.last_columns, architecture.lanes)
        return _Windows(
            window=delayed(m, engine.completes, lag, "engine_window"),
            closes=delayed(m, engine.closes, lag, "engine_closes"),
            finished=delayed(m, engine.finished, lag, "engine_finished"),
            columns=delayed(m, columns, lag, "engine_columns"),
            opens=delayed(m, engine.opens, lag, "engine_opens"),
            fills=delayed(m, engine.opens & ~engine.of_last, lag, "engine_fills"),
            fault=engine.weight_valid & (engine.weight_address >= architecture.weight_words),
        )

    def _take_lane_config(
        self, m: Module, walker: Walker, post: PostProcessor, takes: "_Takes"
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

    def _parameters(
        self,
        m: Module,
        walker: Walker,
        post: PostProcessor,
        takes: "_Takes",
        ended: Any,
        engine: "_Windows | None",
    ) -> Any:
        """Parameter records: with each tile's drain, or into the chain before a vector tile."""
        architecture, config = self._architecture, self.config
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
            self.parameter_address.eq(parameters.address),
            post.parameters.eq(self.parameter_data),
            post.shift_parameters.eq(~vector | delayed(m, parameters.valid, 1, "shift")),
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

    def _results(
        self,
        m: Module,
        walker: Walker,
        buffers: ActivationBuffers,
        post: PostProcessor,
        takes: "_Takes",
        engine: "_Windows | None",
    ) -> list[Any]:
        """The residual that meets a result, and the place the result is written to."""
        architecture, config = self._architecture, self.config
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
                linear.step.eq(self._step(vector)),
                linear.channel_tiles.eq(config.walk.channel_tiles),
                linear.last_columns.eq(config.last_columns),
                Cat(linear.event, linear.row_valid, linear.closing).eq(
                    Mux(vector, ends[vector_delay], ends[array_delay])
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
            buffers.residual.valid.eq(residual_valid),
            buffers.residual.bank.eq(residual_bank),
            buffers.residual.word.eq(residual.bank_word),
            buffers.residual.bump.eq(residual.bank_bump),
            post.residual_valid.eq(
                delayed(m, residual_valid, timing.READ_LATENCY - 1, "residual_valid")
            ),
            post.residual_slot.eq(residual_slot),
            post.residual_word.eq(residual.word),
            post.select.eq(select),
            self.write_valid.eq(Mux(self.loading, self.load_valid, write_walker.valid)),
            self.write_bank.eq(Mux(self.loading, config.in_bank, out_bank)),
            self.write_address.eq(Mux(self.loading, self.load_address, write_walker.address)),
            self.write_count.eq(Mux(self.loading, lanes, write_walker.count)),
            self.write_word.eq(Mux(self.loading, self.load_word, post.word)),
            write.valid.eq(self.write_valid),
            write.address.eq(self.write_address),
            write.count.eq(self.write_count),
            write.word.eq(self.write_word),
            buffers.write_word.eq(write.bank_word),
            buffers.write_bump.eq(write.bank_bump),
            buffers.write_enable.eq(write.bank_enable),
            buffers.write_data.eq(write.bank_data),
            buffers.write_bank.eq(delayed(m, self.write_bank, 2, "written_bank")),
        ]
        return [residual.fault, write.fault]


@dataclass(frozen=True)
class _Windows:
    """What the depthwise engine says of its windows, when the vector lanes would see theirs end."""

    window: Any
    closes: Any
    finished: Any
    columns: Any
    """Channels of the window's tile."""
    opens: Any
    """The first window of a channel tile."""
    fills: Any
    """The same where another tile follows."""
    fault: Any
    """A weight outside the buffer was asked for."""


@dataclass(frozen=True)
class _Takes:
    """When the parts behind the walker take an instruction's configuration."""

    vector: Any
    """A vector instruction starts; nothing else is under way."""
    begun: list[Any]
    """An array instruction started 0, 1, .. cycles ago."""

    def at(self, distance: int) -> Any:
        """For a part the first element reaches ``distance`` cycles or more after its request."""
        return self.vector | self.begun[distance]
