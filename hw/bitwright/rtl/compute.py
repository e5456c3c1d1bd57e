"""The datapath: from activations in the banks, over array or lanes, back into the banks."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.isa.instructions import VectorOp
from bitwright.rtl.array import SystolicArray
from bitwright.rtl.assertions import PROGRAM, Simulation, check
from bitwright.rtl.buffers import ActivationBuffers
from bitwright.rtl.config import ComputeConfig
from bitwright.rtl.delay import delayed
from bitwright.rtl.linear import LinearWalker
from bitwright.rtl.parameters import ParameterSequencer
from bitwright.rtl.postprocess import PostProcessor
from bitwright.rtl.readpath import ReadPath
from bitwright.rtl.serializer import RowSerializers
from bitwright.rtl.vector import VectorLanes
from bitwright.rtl.walker import Walker
from bitwright.rtl.writepath import WritePath


class Compute(wiring.Component):
    """A `Walker` leads; everything else follows it at fixed distances (`bitwright.isa.timing`).

    Latency: from the walker's last request to ``done``, when the last byte can be read, it is
    `timing.array_drain` or `timing.VECTOR_DRAIN` cycles. Throughput: R x C products per cycle
    without gaps between tiles. Handshake: ``start`` while idle; ``config`` stable until ``done``.

    ``load_*`` writes words of the input stream while ``loading``; ``store_*`` reads words for the
    output stream while ``storing``, in ``window_word`` 3 cycles later. ``fault`` is high after an
    access outside a buffer.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes, word = architecture.lanes, ArrayLayout(8, architecture.lanes)
        super().__init__(
            {
                "config": In(ComputeConfig()),
                "start": In(1),
                "done": Out(1),
                "fault": Out(1),
                "macs": Out(range(lanes * architecture.columns + 1)),
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
            post.config.eq(self.config.lane),
            post.vector.eq(vector),
        ]
        faults = [self._window(m, walker, buffers, post)]
        faults += [self._parameters(m, walker, post)]
        faults += self._results(m, walker, buffers, post)
        m.d.comb += self.fault.eq(Cat(faults).any())

        drain = timing.array_drain(self._architecture)
        left = Signal(range(drain + 1))
        with m.If(walker.finished):
            m.d.sync += left.eq(Mux(vector, timing.VECTOR_DRAIN, drain))
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += self.done.eq(left == 1)
        check(m, platform, ~self.start | (left == 0), "compute: started while results are due")
        if isinstance(platform, Simulation):
            self._check_buffers(m, platform)

        multiplies = ~vector | (self.config.vector_op == VectorOp.MAC)
        columns = Mux(walker.last_tile, self.config.last_columns, self._step(vector))
        with m.If(walker.row_valid & multiplies):
            m.d.comb += self.macs.eq(
                Mux(vector, columns, columns << (self._architecture.lanes - 1).bit_length())
            )
        return m

    def _check_buffers(self, m: Module, platform: object) -> None:
        """No port is asked for two things at once, no byte read in the cycle it is written."""
        window, residual, write = (m.submodules[name] for name in ("window", "residual", "write"))
        config, results = self.config, m.submodules["write_walker"].valid
        message = "compute: a result and a word of the input stream are written at once"
        check(m, platform, ~(self.loading & self.load_valid & results), message)
        asked = ~self.storing | ~self.store_valid | ~m.submodules["walker"].row_valid
        check(m, platform, asked, "compute: a window and a word to store are read at once")
        banks = delayed(m, Cat(config.in_bank, config.residual_bank), 1, "read_banks")
        both = window.looked_at & residual.looked_at & (banks[0] == banks[1])
        check(m, platform, ~both, "compute: window and residual are read from one bank at once")
        # Requests of a cycle ago against the write that was in the memory then.
        written = delayed(m, Cat(write.valid, write.count), 2, "written")
        start = delayed(m, write.address, 2, "written_address")
        written_bank = delayed(m, m.submodules["buffers"].write_bank, 1, "written_bank")
        for read, bank in ((window, banks[0]), (residual, banks[1])):
            begin = delayed(m, read.address, 1, "read_address")
            apart = (begin + read.end <= start) | (start + written[1:] <= begin + read.first)
            meets = read.looked_at & written[0] & (bank == written_bank)
            check(m, platform, ~meets | apart, PROGRAM + "a byte is read as it is written")

    def _step(self, vector: Any) -> Any:
        """Channels of a full channel tile."""
        return Mux(vector, self._architecture.lanes, self._architecture.columns)

    def _window(
        self, m: Module, walker: Walker, buffers: ActivationBuffers, post: PostProcessor
    ) -> Any:
        """The walk's words, through the array and through the vector lanes, to the lanes."""
        architecture, config = self._architecture, self.config
        lanes, vector = architecture.lanes, config.walk.vector
        m.submodules.window = window = ReadPath(architecture)
        m.submodules.serializers = serializers = RowSerializers(architecture)
        m.submodules.array = array = SystolicArray(architecture)
        m.submodules.vector = vector_lanes = VectorLanes(architecture)

        # A store borrows the window's port while nothing is computed.
        m.d.comb += [
            window.valid.eq(Mux(self.storing, self.store_valid, walker.row_valid)),
            window.address.eq(Mux(self.storing, self.store_address, walker.address)),
            window.x.eq(Mux(self.storing, 0, walker.x)),
            window.inside.eq(self.storing | walker.inside),
            window.line_bytes.eq(Mux(self.storing, lanes, config.line_bytes)),
            # Past the last channel lies what follows the tensor, or nothing.
            window.used.eq(Mux(vector & walker.last_tile, config.last_columns, lanes)),
            window.pad.eq(config.pad),
            window.data.eq(buffers.window.data),
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
        weights = delayed(m, self.weight_data, at_row - 1, "weights")
        tile_start = walker.first_word & (walker.slot == 0) & ~vector
        tile_end = walker.last_word & (walker.slot == lanes - 1) & ~vector
        m.d.comb += [
            serializers.valid.eq(delayed(m, walker.valid & ~vector, at_word, "word_valid")),
            serializers.slot.eq(delayed(m, walker.slot, at_word, "slot")),
            serializers.word.eq(window.word),
            array.activation.eq(serializers.element),
            array.first.eq(delayed(m, tile_start, at_row, "first")),
            array.last.eq(delayed(m, tile_end, at_row, "last")),
            *(array.weight[j].eq(weights.word_select(j, 8)) for j in range(architecture.columns)),
            post.row_acc.eq(array.result),
        ]

        # Vector: word and weight word meet when the word is read.
        m.d.comb += [
            vector_lanes.op.eq(config.vector_op),
            vector_lanes.valid.eq(delayed(m, walker.valid & vector, at_word, "window_valid")),
            vector_lanes.first.eq(delayed(m, walker.first_word, at_word, "window_first")),
            vector_lanes.word.eq(window.word),
            vector_lanes.weight.eq(delayed(m, self.weight_data, at_word - 1, "window_weights")),
            post.lane_acc.eq(vector_lanes.acc),
        ]
        multiplies = ~vector | (config.vector_op == VectorOp.MAC)
        weight_fault = walker.valid & multiplies & (walker.weight >= architecture.weight_words)
        return window.fault | weight_fault

    def _parameters(self, m: Module, walker: Walker, post: PostProcessor) -> Any:
        """Parameter records: with each tile's drain, or into the chain before a vector tile."""
        architecture, config = self._architecture, self.config
        lanes, vector = architecture.lanes, config.walk.vector
        m.submodules.parameters = parameters = ParameterSequencer(architecture)
        tile_end = walker.last_word & (walker.slot == lanes - 1) & ~vector
        asked = Signal()
        m.d.sync += asked.eq(walker.waiting)
        m.d.comb += [
            parameters.start.eq(self.start),
            parameters.base.eq(config.parameter_base),
            parameters.vector.eq(vector),
            parameters.uniform.eq(config.uniform),
            parameters.drain.eq(delayed(m, tile_end, timing.READ_LATENCY + 1, "drain")),
            parameters.closing.eq(
                delayed(m, walker.closing, timing.READ_LATENCY + 1, "drain_closing")
            ),
            # The chain may move once the last window before has left the vector lanes.
            parameters.fill.eq(
                delayed(m, walker.waiting & ~asked, timing.VECTOR_LATENCY + 1, "fill")
            ),
            walker.proceed.eq(parameters.filled & vector),
            self.parameter_address.eq(parameters.address),
            post.parameters.eq(self.parameter_data),
            post.shift_parameters.eq(~vector | delayed(m, parameters.valid, 1, "shift")),
        ]
        return parameters.valid & (parameters.address >= architecture.parameter_records)

    def _results(
        self, m: Module, walker: Walker, buffers: ActivationBuffers, post: PostProcessor
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
                linear.start.eq(self.start),
                linear.base.eq(base),
                linear.pitch.eq(pitch),
                linear.step.eq(self._step(vector)),
                linear.channel_tiles.eq(config.walk.channel_tiles),
                linear.last_columns.eq(config.last_columns),
                Cat(linear.event, linear.row_valid, linear.closing).eq(
                    Mux(vector, ends[vector_delay], ends[array_delay])
                ),
            ]

        slots = delayed(m, walker.slot, to_residual, "slot_end")
        residual_slot = delayed(m, slots, timing.READ_LATENCY, "residual_slot")
        select = delayed(
            m, residual_slot, to_write - 1 - to_residual - timing.READ_LATENCY, "select"
        )
        residual_valid = residual_walker.valid & config.lane.residual
        m.d.comb += [
            residual.valid.eq(residual_valid),
            residual.address.eq(residual_walker.address),
            residual.inside.eq(1),
            residual.line_bytes.eq(lanes),
            residual.used.eq(residual_walker.count),
            residual.data.eq(buffers.residual.data),
            buffers.residual.bank.eq(config.residual_bank),
            buffers.residual.word.eq(residual.bank_word),
            buffers.residual.bump.eq(residual.bank_bump),
            post.residual_valid.eq(
                delayed(m, residual_valid, timing.READ_LATENCY, "residual_valid")
            ),
            post.residual_slot.eq(residual_slot),
            post.residual_word.eq(residual.word),
            post.select.eq(select),
            self.write_valid.eq(Mux(self.loading, self.load_valid, write_walker.valid)),
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
        ]
        bank = delayed(m, Mux(self.loading, config.in_bank, config.out_bank), 1, "write_bank")
        m.d.comb += buffers.write_bank.eq(bank)
        return [residual.fault, write.fault]
