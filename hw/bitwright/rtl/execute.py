"""The execute engine: runs one instruction of the execute thread at a time."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import EXECUTE_FIELDS, EXECUTE_WORDS, ExecuteOpcode
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.compute import Compute
from bitwright.rtl.config import fill_config
from bitwright.rtl.decode import check_execute, field_signals
from bitwright.rtl.transfer import StreamIn, StreamOut


class ExecuteEngine(wiring.Component):
    """Checks an instruction, runs it, says when its last byte is written.

    Latency: ``issue`` in cycle t, a fault of the instruction itself in t + 1, ``done`` after the
    number of cycles the compiler's model gives. Handshake: ``issue`` while not ``busy``;
    ``instruction`` stable from t + 1 until ``done``.

    Members: ``inputs``, ``outputs`` are the activation streams; ``weight_*`` and ``parameter_*``
    read the wide buffers; ``error`` stays NONE as long as all is well; ``stalled`` is high in
    cycles lost to a stream; ``macs`` is the number of products issued in a cycle.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "instruction": In(32 * EXECUTE_WORDS),
                "issue": In(1),
                "busy": Out(1),
                "done": Out(1),
                "release": Out(8),
                "error": Out(ErrorCode),
                "stalled": Out(1),
                "macs": Out(range(lanes * architecture.columns + 1)),
                "inputs": In(stream.Signature(Beat(lanes))),
                "outputs": Out(stream.Signature(Beat(lanes))),
                "weight_address": Out(unsigned((architecture.weight_words - 1).bit_length())),
                "weight_data": In(8 * lanes),
                "parameter_address": Out(
                    unsigned((architecture.parameter_records - 1).bit_length())
                ),
                "parameter_data": In(128),
                "write_valid": Out(1),
                "write_bank": Out(1),
                "write_address": Out(32),
                "write_count": Out(range(lanes + 1)),
                "write_word": Out(ArrayLayout(8, lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        f = field_signals(m, self.instruction, EXECUTE_FIELDS)
        malformed = check_execute(m, f, self._architecture)
        m.submodules.compute = compute = Compute(self._architecture)
        m.submodules.stream_in = stream_in = StreamIn(self._architecture)
        m.submodules.stream_out = stream_out = StreamOut(self._architecture)
        opcode = f["opcode"]
        begin, running = Signal(), Signal()
        computes = (opcode == ExecuteOpcode.CONV) | (opcode == ExecuteOpcode.VECTOR)
        well = begin & (malformed == ErrorCode.NONE)
        m.d.sync += begin.eq(self.issue)
        with m.If(self.issue):
            m.d.sync += running.eq(1)

        m.d.comb += fill_config(f, compute.config, opcode == ExecuteOpcode.VECTOR)
        m.d.comb += [
            compute.start.eq(well & computes),
            stream_in.start.eq(well & (opcode == ExecuteOpcode.IN)),
            stream_out.start.eq(well & (opcode == ExecuteOpcode.OUT)),
            *(s.base.eq(f["in_base"]) for s in (stream_in, stream_out)),
            *(s.count.eq(f["weight_base"]) for s in (stream_in, stream_out)),
            compute.load_valid.eq(stream_in.valid),
            compute.load_address.eq(stream_in.address),
            compute.load_word.eq(stream_in.word),
            compute.loading.eq(opcode == ExecuteOpcode.IN),
            compute.store_valid.eq(stream_out.request),
            compute.store_address.eq(stream_out.address),
            compute.storing.eq(opcode == ExecuteOpcode.OUT),
            stream_out.word.eq(compute.window_word),
        ]
        wiring.connect(m, wiring.flipped(self.inputs), stream_in.beats)
        wiring.connect(m, stream_out.beats, wiring.flipped(self.outputs))

        # Done: the last write of the slowest path has landed when this is high.
        landed = Signal()
        m.d.sync += landed.eq(stream_in.done)
        m.d.comb += [
            self.done.eq(
                running
                & (compute.done | landed | stream_out.done | (well & (opcode == ExecuteOpcode.NOP)))
            ),
            self.busy.eq(running),
            self.release.eq(f["release"]),
            self.stalled.eq(stream_in.starved | stream_out.blocked),
            self.macs.eq(compute.macs),
            self.weight_address.eq(compute.weight_address),
            compute.weight_data.eq(self.weight_data),
            self.parameter_address.eq(compute.parameter_address),
            compute.parameter_data.eq(self.parameter_data),
            self.write_valid.eq(compute.write_valid),
            self.write_bank.eq(Mux(compute.loading, f["in_bank"], f["out_bank"])),
            self.write_address.eq(compute.write_address),
            self.write_count.eq(compute.write_count),
            self.write_word.eq(compute.write_word),
        ]
        ends = Cat(compute.done, landed, stream_out.done)
        check(m, platform, (ends & (ends - 1)) == 0, "execute: two instructions end at once")
        check(m, platform, ~self.issue | ~running, "execute: issued while busy")
        with m.If(self.done):
            m.d.sync += running.eq(0)
        with m.If(begin):
            m.d.comb += self.error.eq(malformed)
        with m.Elif(running & compute.fault):
            m.d.comb += self.error.eq(ErrorCode.ADDRESS)
        with m.Elif(running & stream_in.fault):
            m.d.comb += self.error.eq(ErrorCode.LENGTH)
        return m
