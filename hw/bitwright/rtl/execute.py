"""The execute engine: runs the instructions of the execute thread."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode, timing
from bitwright.isa.instructions import EXECUTE_FIELDS, EXECUTE_WORDS, ExecuteOpcode, VectorOp
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.compute import Compute
from bitwright.rtl.config import fill_config
from bitwright.rtl.decode import check_execute, field_signals
from bitwright.rtl.delay import delayed
from bitwright.rtl.transfer import StreamIn, StreamOut


class ExecuteEngine(wiring.Component):
    """Checks an instruction, runs it, says when its last byte is written.

    An array instruction may begin while the one before, an array instruction too, is still on its
    way through array and lanes: its walk starts ``wait`` cycles (a field of the instruction) after
    the earlier walk's end. The compiler chooses ``wait`` so that nothing is read before it is
    written. Every other instruction has the machine to itself.

    Latency: ``issue`` in cycle t, a fault of the instruction itself in t + 2, ``done`` after the
    number of cycles the compiler's model gives. Handshake: ``issue`` only while ``ready``, which
    looks at ``next_opcode`` and ``in_flight``; ``instruction`` stable from t + 1 until the next.

    Members: ``inputs``, ``outputs`` are the activation streams; ``weight_*`` and ``parameter_*``
    read the wide buffers; ``error`` stays NONE as long as all is well, and is the oldest
    instruction's with ``error_oldest``; ``stalled`` is high in cycles lost to a stream; ``macs`` is
    the number of products issued in a cycle.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "instruction": In(32 * EXECUTE_WORDS),
                "issue": In(1),
                "next_opcode": In(8),
                "in_flight": In(2),
                "ready": Out(1),
                "done": Out(1),
                "error": Out(ErrorCode),
                "error_oldest": Out(1),
                "stalled": Out(1),
                "macs": Out(range(timing.most_macs(architecture) + 1)),
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
                "write_address": Out(26),
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
        # The check looks at every field: it has a cycle to itself.
        present, begin, checked = Signal(), Signal(), Signal(ErrorCode)
        m.d.sync += [present.eq(self.issue), begin.eq(present), checked.eq(malformed)]
        well = begin & (checked == ErrorCode.NONE)
        start, age = self._starts(m, compute, well, opcode, f["wait"])
        running = self.in_flight != 0

        # Known when the instruction starts, the cycle after it is there.
        vector, depthwise = Signal(), Signal()
        m.d.sync += vector.eq(opcode == ExecuteOpcode.VECTOR)
        if self._architecture.line_words:
            of_engine = f["vector_op"] == VectorOp.DEPTHWISE
            m.d.sync += depthwise.eq((opcode == ExecuteOpcode.VECTOR) & of_engine)
        m.d.comb += fill_config(f, compute.config, vector, depthwise)
        m.d.comb += [
            compute.start.eq(start),
            stream_in.start.eq(well & (opcode == ExecuteOpcode.IN)),
            stream_out.start.eq(well & (opcode == ExecuteOpcode.OUT)),
            *(s.base.eq(f["in_base"]) for s in (stream_in, stream_out)),
            *(s.count.eq(f["weight_base"]) for s in (stream_in, stream_out)),
            compute.load_valid.eq(stream_in.valid),
            compute.load_address.eq(stream_in.address),
            compute.load_word.eq(stream_in.word),
            compute.store_valid.eq(stream_out.request),
            compute.store_address.eq(stream_out.address),
            stream_out.word.eq(compute.window_word),
        ]
        # Known well before the first word is.
        m.d.sync += [
            compute.loading.eq(opcode == ExecuteOpcode.IN),
            compute.storing.eq(opcode == ExecuteOpcode.OUT),
        ]
        wiring.connect(m, wiring.flipped(self.inputs), stream_in.beats)
        wiring.connect(m, stream_out.beats, wiring.flipped(self.outputs))

        # Done: the last write of the slowest path has landed when this is high.
        landed = delayed(m, stream_in.done, timing.WRITE_LATENCY - 1, "landed")
        m.d.comb += [
            self.done.eq(
                running
                & (compute.done | landed | stream_out.done | (well & (opcode == ExecuteOpcode.NOP)))
            ),
            self.stalled.eq(stream_in.starved | stream_out.blocked),
            self.macs.eq(compute.macs),
            self.weight_address.eq(compute.weight_address),
            compute.weight_data.eq(self.weight_data),
            self.parameter_address.eq(compute.parameter_address),
            compute.parameter_data.eq(self.parameter_data),
            self.write_valid.eq(compute.write_valid),
            self.write_bank.eq(compute.write_bank),
            self.write_address.eq(compute.write_address),
            self.write_count.eq(compute.write_count),
            self.write_word.eq(compute.write_word),
        ]
        ends = Cat(compute.done, landed, stream_out.done)
        check(m, platform, (ends & (ends - 1)) == 0, "execute: two instructions end at once")
        check(m, platform, ~self.issue | self.ready, "execute: issued while busy")
        with m.If(begin):
            m.d.comb += self.error.eq(checked)
        with m.If(running & (compute.walk_fault | compute.result_fault)):
            # A fault shows within two cycles of its request: of the walk before, in a young one.
            m.d.comb += [
                self.error.eq(ErrorCode.ADDRESS),
                self.error_oldest.eq(compute.result_fault | (age <= 2)),
            ]
        with m.Elif(running & stream_in.fault):
            m.d.comb += self.error.eq(ErrorCode.LENGTH)
        return m

    def _starts(
        self, m: Module, compute: Compute, well: Value, opcode: Value, wait: Value
    ) -> tuple[Signal, Signal]:
        """When a computation starts, and for how many cycles it has been going on."""
        settled = timing.array_settled(self._architecture)
        start, pending, due = Signal(), Signal(), Signal()
        since, next_since = Signal(8, init=255), Signal(8)
        age = Signal(range(settled + 1))
        to_array = well & (opcode == ExecuteOpcode.CONV)
        m.d.comb += start.eq(
            (well & (opcode == ExecuteOpcode.VECTOR)) | ((to_array | pending) & due)
        )
        m.d.sync += pending.eq((pending | to_array) & ~start)
        with m.If(compute.finished):
            m.d.comb += next_since.eq(0)
        with m.Else():
            m.d.comb += next_since.eq(Mux(since == 255, since, since + 1))
        # `wait` is there a cycle before it counts.
        m.d.sync += [since.eq(next_since), due.eq(next_since >= wait)]
        # `age` stands at 0 from the issue to the start, and at `settled` once another may follow.
        next_age = Signal.like(age)
        with m.If(self.issue):
            m.d.comb += next_age.eq(0)
        with m.Elif((start | (age != 0)) & (age != settled)):
            m.d.comb += next_age.eq(age + 1)
        with m.Else():
            m.d.comb += next_age.eq(age)
        m.d.sync += age.eq(next_age)
        # Two of a kind: known long before the first has settled.
        follows, has_settled = Signal(), Signal()
        m.d.sync += follows.eq(
            (opcode == ExecuteOpcode.CONV) & (self.next_opcode == ExecuteOpcode.CONV)
        )
        m.d.sync += has_settled.eq(next_age == settled)
        m.d.comb += self.ready.eq(
            (self.in_flight == 0)
            | ((self.in_flight == 1) & follows & has_settled & ~compute.walking)
        )
        return start, age
