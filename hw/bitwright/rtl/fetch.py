"""The fetch engine: from the weight stream into the wide buffers."""

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import FETCH_FIELDS, FETCH_WORDS, FetchOpcode
from bitwright.rtl.assertions import check
from bitwright.rtl.beat import Beat
from bitwright.rtl.decode import field_signals
from bitwright.rtl.weightdecoder import WeightDecoder


class FetchEngine(wiring.Component):
    """Streams ``count`` words into the weight buffer, or records into the parameter buffer.

    A record is 16 bytes, hence several beats of a narrow stream. Each instruction's data is one
    packet: `ErrorCode.LENGTH` if it ends early or late. Throughput: one beat per cycle; of coded
    weights, a number of the table or a byte. Latency: ``done`` two cycles after the last beat, and
    a few more after coded weights' last byte. Handshake: one instruction at a time.
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
        present, begin, starts, streaming = (
            Signal(name=name) for name in ("present", "begin", "starts", "streaming")
        )
        left, address = Signal(32), Signal(32)
        part = Signal(range(max(architecture.record_beats, 2)))
        is_weights = f["opcode"] == FetchOpcode.WEIGHTS
        is_parameters = f["opcode"] == FetchOpcode.PARAMETERS
        is_coded = (f["opcode"] == FetchOpcode.CODED) & architecture.huffman
        # The check has a cycle to itself.
        malformed, checked = Signal(ErrorCode), Signal(ErrorCode)
        m.d.sync += [present.eq(self.issue), begin.eq(present), checked.eq(malformed)]
        end = Signal(34)
        m.d.comb += end.eq(f["base"] + f["count"])
        with m.If(~is_weights & ~is_parameters & ~is_coded):
            m.d.comb += malformed.eq(ErrorCode.OPCODE)
        with m.Elif(f["count"] == 0):
            m.d.comb += malformed.eq(ErrorCode.LENGTH)
        with m.Elif(is_coded & ((f["numbers"] == 0) | (f["beats"] == 0))):
            m.d.comb += malformed.eq(ErrorCode.LENGTH)
        with m.Elif(~is_parameters & (end > architecture.weight_words)):
            m.d.comb += malformed.eq(ErrorCode.ADDRESS)
        with m.Elif(is_parameters & (end > architecture.parameter_records)):
            m.d.comb += malformed.eq(ErrorCode.ADDRESS)
        m.d.comb += starts.eq(begin & (checked == ErrorCode.NONE))
        with m.If(begin):
            m.d.comb += self.error.eq(checked)
        with m.If(starts):
            m.d.sync += [
                streaming.eq(1),
                left.eq(Mux(is_coded, f["beats"], f["count"])),
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
            taken.eq(self.beats.ready & self.beats.valid),
            whole.eq(~is_parameters | (part == architecture.record_beats - 1)),
            final.eq(whole & (left == 1)),
            self.weight_address.eq(address),
            self.weight_data.eq(word),
            self.weight_enable.eq(taken & is_weights),
            self.parameter_address.eq(address),
            self.parameter_data.eq(gathered),
            self.parameter_enable.eq(taken & is_parameters & whole),
        ]
        depth = Mux(is_parameters, architecture.parameter_records, architecture.weight_words)
        writes = self.weight_enable | self.parameter_enable
        check(m, platform, ~writes | (address < depth), "fetch: a write beyond the buffer")
        check(m, platform, ~self.issue | ~streaming, "fetch: issued while beats are due")
        m.d.sync += self.done.eq(taken & final)
        with m.If(self.weight_enable | self.parameter_enable):
            m.d.sync += address.eq(address + 1)
        with m.If(taken):
            m.d.sync += record.eq(gathered)
            with m.If(whole):
                m.d.sync += [part.eq(0), left.eq(left - 1)]
            with m.Else():
                m.d.sync += part.eq(part + 1)
            with m.If(final):
                m.d.sync += streaming.eq(0)
            with m.If(self.beats.payload.last != final):
                m.d.comb += self.error.eq(ErrorCode.LENGTH)
        if architecture.huffman:
            self._decode(m, f, starts & is_coded, streaming)
        return m

    def _decode(self, m: Module, f: dict[str, Signal], start: Value, streaming: Signal) -> None:
        """Send the beats of coded weights through the decoder; its words are what is written."""
        m.submodules.decoder = decoder = WeightDecoder(self._architecture)
        m.d.comb += [
            decoder.start.eq(start),
            decoder.numbers.eq(f["numbers"]),
            decoder.words.eq(f["count"]),
            decoder.beats.payload.eq(self.beats.payload),
        ]
        with m.If(f["opcode"] == FetchOpcode.CODED):
            m.d.comb += [
                decoder.beats.valid.eq(streaming & self.beats.valid),
                self.beats.ready.eq(streaming & decoder.beats.ready),
                self.weight_data.eq(decoder.word),
                self.weight_enable.eq(decoder.word_valid),
            ]
            m.d.sync += self.done.eq(decoder.done & (decoder.error == ErrorCode.NONE))
            with m.If(decoder.error != ErrorCode.NONE):
                m.d.comb += self.error.eq(decoder.error)
