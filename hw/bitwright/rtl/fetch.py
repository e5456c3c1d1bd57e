"""The fetch engine: from the weight stream into the wide buffers."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import FETCH_FIELDS, FETCH_WORDS, FetchOpcode
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.decode import field_signals


class FetchEngine(wiring.Component):
    """Streams ``count`` words into the weight buffer, or records into the parameter buffer.

    A record is 16 bytes, hence several beats of a narrow stream. Each instruction's data is one
    packet: `ErrorCode.LENGTH` if it ends early or late. Throughput: one beat per cycle.
    Latency: ``done`` two cycles after the last beat. Handshake: one instruction at a time.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        super().__init__(
            {
                "instruction": In(32 * FETCH_WORDS),
                "issue": In(1),
                "done": Out(1),
                "error": Out(ErrorCode),
                "beats": In(stream.Signature(Beat(architecture.lanes))),
                "weight_address": Out(unsigned((architecture.weight_words - 1).bit_length())),
                "weight_data": Out(8 * architecture.lanes),
                "weight_enable": Out(1),
                "parameter_address": Out(
                    unsigned((architecture.parameter_records - 1).bit_length())
                ),
                "parameter_data": Out(128),
                "parameter_enable": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        architecture = self._architecture
        f = field_signals(m, self.instruction, FETCH_FIELDS)
        begin, streaming = Signal(), Signal()
        left, address = Signal(32), Signal(32)
        part = Signal(range(max(architecture.record_beats, 2)))
        is_weights = f["opcode"] == FetchOpcode.WEIGHTS
        is_parameters = f["opcode"] == FetchOpcode.PARAMETERS
        m.d.sync += begin.eq(self.issue)

        end = Signal(34)
        m.d.comb += end.eq(f["base"] + f["count"])
        with m.If(begin):
            with m.If(~is_weights & ~is_parameters):
                m.d.comb += self.error.eq(ErrorCode.OPCODE)
            with m.Elif(f["count"] == 0):
                m.d.comb += self.error.eq(ErrorCode.LENGTH)
            with m.Elif(is_weights & (end > architecture.weight_words)):
                m.d.comb += self.error.eq(ErrorCode.ADDRESS)
            with m.Elif(is_parameters & (end > architecture.parameter_records)):
                m.d.comb += self.error.eq(ErrorCode.ADDRESS)
            with m.Else():
                m.d.sync += [
                    streaming.eq(1),
                    left.eq(f["count"]),
                    address.eq(f["base"]),
                    part.eq(0),
                ]

        # The last beats of a record are the high ones; earlier ones wait in a shift register.
        word = self.beats.payload.word.as_value()
        record = Signal(128)
        gathered = Signal(128)
        if architecture.record_beats > 1:
            m.d.comb += gathered.eq((record >> len(word)) | (word << (128 - len(word))))
        else:
            m.d.comb += gathered.eq(word)
        taken, whole, final = Signal(), Signal(), Signal()
        m.d.comb += [
            self.beats.ready.eq(streaming),
            taken.eq(streaming & self.beats.valid),
            whole.eq(is_weights | (part == architecture.record_beats - 1)),
            final.eq(whole & (left == 1)),
            self.weight_address.eq(address),
            self.weight_data.eq(word),
            self.weight_enable.eq(taken & is_weights),
            self.parameter_address.eq(address),
            self.parameter_data.eq(gathered),
            self.parameter_enable.eq(taken & is_parameters & whole),
        ]
        depth = Mux(is_weights, architecture.weight_words, architecture.parameter_records)
        check(m, platform, ~taken | (address < depth), "fetch: a write beyond the buffer")
        check(m, platform, ~self.issue | ~streaming, "fetch: issued while beats are due")
        m.d.sync += self.done.eq(taken & final)
        with m.If(taken):
            m.d.sync += record.eq(gathered)
            with m.If(whole):
                m.d.sync += [part.eq(0), left.eq(left - 1), address.eq(address + 1)]
            with m.Else():
                m.d.sync += part.eq(part + 1)
            with m.If(final):
                m.d.sync += streaming.eq(0)
            with m.If(self.beats.payload.last != final):
                m.d.comb += self.error.eq(ErrorCode.LENGTH)
        return m
