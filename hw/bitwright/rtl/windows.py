"""Which words of a raster complete a window, and which edges the window reaches over."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bitwright.rtl.assertions import PROGRAM, check
from bitwright.rtl.config import WindowConfig


class WindowSchedule(wiring.Component):
    """Counts the words of channel tiles that follow one another, and says where 3x3 windows end.

    A tile's words come line after line, without its padding. The window whose last element is
    word n begins 2 lines and 2 words before; so a window ends at a fixed distance from the one
    before, ``step`` words within a line and ``turn`` from a line's last to the next line's first,
    also where that word is padding: then it lies in the next line, or in the next tile. Only after
    the last tile, words that do not exist are counted until the last window has ended.

    Handshake: ``start`` takes nothing but resets; ``config`` is stable until ``finished``. ``word``
    announces a word for the next cycle; ``tile_ends``, ``last_tile``, ``walk_ends`` belong to it.
    All outputs are of the same cycle. Throughput: one word per cycle; words may pause.

    Members: ``advance`` the next cycle brings a word, or one that does not exist; ``completes`` it
    completes a window, ``opens`` the first and ``closes`` the last of a tile, ``of_last`` of the
    last tile; ``left``, ``right``, ``top``, ``bottom`` the edges the window reaches over;
    ``finished`` is high once, when words and windows are all through.

    Limits: undefined results unless a tile's first window ends within the tile.
    """

    def __init__(self) -> None:
        flags = ("advance", "completes", "opens", "closes", "of_last", "finished")
        edges = ("left", "right", "top", "bottom")
        super().__init__(
            {
                "config": In(WindowConfig()),
                "start": In(1),
                "word": In(1),
                "tile_ends": In(1),
                "last_tile": In(1),
                "walk_ends": In(1),
                **{name: Out(1) for name in (*flags, *edges)},
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        config = self.config
        ended, drained = Signal(), Signal()
        m.d.comb += self.advance.eq(self.word | (ended & ~drained))

        # A tile's first window ends this many words after the tile's first word.
        distance, opening = Signal(18), Signal(18)
        fresh, opening_last, open_last, open_ = (Signal(name=n) for n in ("fresh", "ol", "tl", "o"))
        lines = Mux(config.top, config.line, config.line << 1)
        m.d.sync += distance.eq(lines + Mux(config.left, 1, 2))
        m.d.comb += self.opens.eq(self.advance & (opening == 1))
        with m.If(self.advance & (opening != 0)):
            m.d.sync += opening.eq(opening - 1)
        with m.If(self.word):
            m.d.sync += fresh.eq(self.tile_ends)
            with m.If(fresh):
                m.d.sync += [opening.eq(distance), opening_last.eq(self.last_tile)]
        cut = self.word & fresh & (opening > 1)
        check(m, platform, ~cut, PROGRAM + "windows: a tile has ended before its first window")

        # The windows after it.
        gap, x, y = Signal(24), Signal(16), Signal(16)
        last_x, last_y = Signal(), Signal()
        m.d.comb += [
            self.completes.eq(self.opens | (self.advance & open_ & (gap == 1))),
            self.of_last.eq(Mux(self.opens, opening_last, open_last)),
            last_x.eq(x == config.out_width - 1),
            last_y.eq(y == config.out_height - 1),
            self.closes.eq(self.completes & last_x & last_y),
            self.left.eq(config.left & (x == 0)),
            self.right.eq(config.right & last_x),
            self.top.eq(config.top & (y == 0)),
            self.bottom.eq(config.bottom & last_y),
        ]
        check(m, platform, ~self.opens | ~open_, PROGRAM + "windows: a tile opens within another")
        with m.If(self.advance):
            m.d.sync += gap.eq(gap - 1)
        with m.If(self.opens):
            m.d.sync += open_last.eq(opening_last)
        with m.If(self.completes):
            m.d.sync += [
                open_.eq(~self.closes),
                x.eq(Mux(last_x, 0, x + 1)),
                gap.eq(Mux(last_x, config.turn, config.step)),
            ]
            with m.If(last_x):
                m.d.sync += y.eq(Mux(last_y, 0, y + 1))

        # The end: the last word and the last window, in either order.
        words_through, windows_through = Signal(), Signal()
        m.d.comb += [
            words_through.eq(ended | self.walk_ends),
            windows_through.eq(drained | (self.closes & self.of_last)),
            self.finished.eq(words_through & windows_through & ~(ended & drained)),
        ]
        m.d.sync += Cat(ended, drained).eq(Cat(words_through, windows_through))
        with m.If(self.start):
            m.d.sync += [fresh.eq(1), *(s.eq(0) for s in (opening, open_, x, y, ended, drained))]
        return m
