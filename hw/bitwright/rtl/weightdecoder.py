"""From a packet of coded weights to words of the weight buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, ErrorCode
from bitwright.rtl.beat import Beat
from bitwright.rtl.huffman import HuffmanDecoder, HuffmanFault

NUMBER_BITS = 16
"""Of a number of the code's table, in its beats."""


class WeightDecoder(wiring.Component):
    """Takes one packet after ``start``: the beats of a code's table, then those of the codes.

    Latency: ``done`` some cycles after the last word, once per packet. Throughput: a number of the
    table or a byte of a word per cycle. Handshake: ``start`` while idle, with ``numbers`` of the
    table, at least 1, and ``words`` to decode, at least 1, both stable until ``done``; ``beats`` is
    a stream. ``word_valid`` hands out a word, which must be taken. ``error`` is LENGTH for a packet
    that ends within its table, CODE in the cycle of ``done`` for one that is not what
    `HuffmanCode` writes; a malformed packet is taken up to its end.
    """

    def __init__(self, architecture: Architecture) -> None:
        self._lanes = architecture.lanes
        self._symbol_bits = (architecture.weight_words * architecture.lanes).bit_length()
        super().__init__(
            {
                "start": In(1),
                "numbers": In(9),
                "words": In(range(architecture.weight_words + 1)),
                "beats": In(stream.Signature(Beat(architecture.lanes))),
                "word": Out(8 * architecture.lanes),
                "word_valid": Out(1),
                "done": Out(1),
                "error": Out(ErrorCode),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        lanes = self._lanes
        decoder = HuffmanDecoder(lanes, count_bits=self._symbol_bits)
        m.submodules.decoder = decoder
        beats, per_beat = self.beats, 8 * lanes // NUMBER_BITS
        number, left = Signal(range(per_beat)), Signal.like(self.numbers)
        final = left == 1
        value = beats.payload.word.as_value().word_select(number, NUMBER_BITS)
        m.d.comb += [
            decoder.table.payload.value.eq(value),
            decoder.table.payload.last.eq(final),
            decoder.counts.payload.eq(self.words << (lanes - 1).bit_length()),
            decoder.words.payload.eq(beats.payload),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [left.eq(self.numbers), number.eq(0)]
                with m.If(self.start):
                    m.next = "TABLE"
            with m.State("TABLE"):
                taken = beats.valid & decoder.table.ready
                through = final | (number == per_beat - 1)
                m.d.comb += [
                    decoder.table.valid.eq(beats.valid),
                    beats.ready.eq(decoder.table.ready & through),
                ]
                with m.If(taken):
                    m.d.sync += [left.eq(left - 1), number.eq(Mux(through, 0, number + 1))]
                    with m.If(final):
                        m.next = "COUNT"
                    with m.If(through & beats.payload.last):
                        m.d.comb += self.error.eq(ErrorCode.LENGTH)
            with m.State("COUNT"):
                m.d.comb += decoder.counts.valid.eq(1)
                with m.If(decoder.counts.ready):
                    m.next = "WORDS"
            with m.State("WORDS"):
                m.d.comb += [
                    decoder.words.valid.eq(beats.valid),
                    beats.ready.eq(decoder.words.ready),
                    self.done.eq(decoder.done),
                ]
                with m.If(decoder.done):
                    m.next = "IDLE"
                    with m.If(decoder.fault != HuffmanFault.NONE):
                        m.d.comb += self.error.eq(ErrorCode.CODE)

        place = Signal(range(lanes))
        m.d.comb += decoder.symbols.ready.eq(1)
        m.d.sync += self.word_valid.eq(decoder.symbols.valid & (place == lanes - 1))
        with m.If(decoder.symbols.valid):
            m.d.sync += [
                self.word.eq(Cat(self.word[8:], decoder.symbols.payload)),
                place.eq(place + 1),
            ]
        with m.If(self.start):
            m.d.sync += place.eq(0)
        return m
