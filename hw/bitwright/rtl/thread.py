"""A thread of the sequencer: fetches instructions ahead, waits for tokens, issues."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.assertions import check
from bitwright.rtl.product import times

TOKEN_BITS = 16


class Thread(wiring.Component):
    """Runs instructions ``begin`` .. ``end`` - 1, ``repeats`` times over.

    The next instruction is fetched into a shadow register while the current one runs, one 32-bit
    word per cycle. It is issued when the engine is ready for it and as many tokens as it acquires
    are there. Up to two instructions are in flight: an engine may take one while the last results
    of the one before are still on their way. Latency: ``words`` + 3 cycles from ``start`` to the
    first ``issue``.

    Handshake: ``issue`` is high for one cycle, ``instruction`` is stable from the next cycle on
    until the next issue. The engine is ``ready`` for an instruction of ``next_opcode`` at the
    latest when ``in_flight`` is 0, never when it is 2, and says ``done`` for one cycle when the
    oldest instruction's work has landed: ``done_pc``, ``release`` and ``body_done`` are that one's.

    Members: ``tokens_in`` (amount, with ``tokens_valid``) adds tokens, up to as many as can be
    counted; ``waiting`` is high while only tokens are missing, by instruction ``next_pc``;
    ``finished`` while there is nothing to run and nothing in flight.
    """

    def __init__(self, words: int, depth: int) -> None:
        self._words, self._depth = words, depth
        count = range(depth + 1)
        super().__init__(
            {
                "start": In(1),
                "begin": In(count),
                "end": In(count),
                "repeats": In(32),
                "tokens_load": In(1),
                "tokens_initial": In(TOKEN_BITS),
                "tokens_valid": In(1),
                "tokens_in": In(8),
                "memory_address": Out(unsigned((depth * words - 1).bit_length())),
                "memory_data": In(32),
                "instruction": Out(32 * words),
                "issue": Out(1),
                "pc": Out(count),
                "next_pc": Out(count),
                "next_opcode": Out(8),
                "ready": In(1),
                "in_flight": Out(2),
                "done": In(1),
                "done_pc": Out(count),
                "release": Out(8),
                "body_done": Out(1),
                "waiting": Out(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        words = self._words

        # Fetch ahead: addresses 0 .. words-1, the data a cycle behind.
        shadow, shadow_pc = Signal(32 * words), Signal.like(self.pc)
        left = Signal(32)
        index = Signal(range(words + 1))
        fetching, arriving, fetched = Signal(), Signal(), Signal()
        empty = Signal()
        m.d.comb += [
            empty.eq(self.begin == self.end),
            self.memory_address.eq(times(shadow_pc, words) + index),
            arriving.eq(fetching & (index != 0)),
        ]
        with m.If(arriving):
            m.d.sync += shadow.eq((shadow >> 32) | (self.memory_data << (32 * (words - 1))))
        with m.If(fetching):
            m.d.sync += index.eq(index + 1)
            with m.If(index == words):
                m.d.sync += [fetching.eq(0), fetched.eq(1), index.eq(0)]

        # Tokens: taken by an issue, given by the other thread; both may happen in one cycle.
        tokens = Signal(TOKEN_BITS)
        acquire = shadow[8:16]
        wanted = fetched & self.ready
        m.d.comb += [
            self.next_opcode.eq(shadow[:8]),
            self.issue.eq(wanted & (tokens >= acquire)),
            self.waiting.eq(wanted & (tokens < acquire)),
        ]
        # What an issue takes is taken in the cycle after it, long before the next one looks.
        sum_of_tokens, spent = Signal(TOKEN_BITS + 1), Signal.like(acquire, name="spent")
        m.d.sync += spent.eq(Mux(self.issue, acquire, 0))
        m.d.comb += sum_of_tokens.eq(tokens + Mux(self.tokens_valid, self.tokens_in, 0) - spent)
        # Of a program that gives more than it takes, the surplus is lost, not the rest.
        m.d.sync += tokens.eq(Mux(sum_of_tokens[-1], -1, sum_of_tokens))
        with m.If(self.tokens_load):
            m.d.sync += tokens.eq(self.tokens_initial)

        # In flight: the oldest instruction is `first`; one more may have begun behind it.
        last_of_body = shadow_pc == self.end - 1
        record = Cat(shadow_pc, shadow[16:24], last_of_body)
        first, second = Signal(len(record)), Signal(len(record))
        remaining = Signal(2)
        m.d.comb += [
            remaining.eq(self.in_flight - self.done),
            Cat(self.done_pc, self.release).eq(first),
            self.body_done.eq(self.done & first[-1]),
        ]
        m.d.sync += self.in_flight.eq(remaining + self.issue)
        with m.If(self.done):
            m.d.sync += first.eq(second)
        with m.If(self.issue & (remaining == 0)):
            m.d.sync += first.eq(record)
        with m.Elif(self.issue):
            m.d.sync += second.eq(record)

        # Issue, and begin to fetch the successor.
        with m.If(self.issue):
            m.d.sync += [self.instruction.eq(shadow), self.pc.eq(shadow_pc), fetched.eq(0)]
            with m.If(last_of_body):
                m.d.sync += [shadow_pc.eq(self.begin), left.eq(left - 1), fetching.eq(left > 1)]
            with m.Else():
                m.d.sync += [shadow_pc.eq(shadow_pc + 1), fetching.eq(1)]
        with m.If(self.start):
            m.d.sync += [
                shadow_pc.eq(self.begin),
                left.eq(self.repeats),
                fetching.eq(~empty & (self.repeats != 0)),
            ]
        m.d.comb += [
            self.next_pc.eq(shadow_pc),
            self.finished.eq((self.in_flight == 0) & ~fetching & ~fetched),
        ]
        some, full = self.in_flight != 0, self.in_flight == 2
        check(m, platform, ~self.done | some, "thread: done without an instruction")
        check(m, platform, ~self.issue | ~full, "thread: a third instruction in flight")
        check(m, platform, ~self.start | self.finished, "thread: started while at work")
        return m
