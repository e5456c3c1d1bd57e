"""The address generator that walks a convolution without an im2col in memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.config import WalkConfig
from bitwright.rtl.counter import Counter


class Walker(wiring.Component):
    """Walks (channel tile, pixel tile, ky, kx, word, slot), one request per cycle without a gap.

    A slot is a row of the array: in slot s of each K-word the word of the tile's row s is
    requested, so every row gets a word every ``lanes`` cycles and rows are staggered by a cycle.
    In vector mode a tile is one pixel and a K-word one slot, and each channel tile reads a word's
    channels further on. A ``paced`` walk waits for no ``proceed``, but starts a few cycles late and
    its channel tiles at a distance of `timing.depthwise_pace` cycles or more.

    The pixels of a batch's images follow one another: a tile may hold some of two.

    A row's place in the image is computed once, when its first word is requested, while the pixel
    counter advances; it is kept in a small table for the tile's other words.

    Latency: 2 cycles from ``start`` to the first request. Throughput: one request per cycle; in
    vector mode ``proceed`` must be given before each channel tile. Handshake: ``start`` while not
    ``busy``; ``config`` is stable while busy; ``finished`` is high with the last request.

    Members: ``valid`` marks a cycle of the walk, ``row_valid`` a slot that holds a pixel;
    ``address``, ``x``, ``inside`` go to the `ReadPath`; ``first_word`` and ``last_word`` mark the
    tile's ends, ``segment_end`` the last word of a kernel segment; ``closing`` is high with the
    last tile of a channel tile; ``weight`` is the address of the weight word that goes with the
    cycle; ``waiting`` asks for ``proceed``.
    """

    LATENCY = timing.WALK_LATENCY

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "config": In(WalkConfig()),
                "start": In(1),
                "proceed": In(1),
                "busy": Out(1),
                "waiting": Out(1),
                "finished": Out(1),
                "valid": Out(1),
                "row_valid": Out(1),
                "slot": Out(range(lanes)),
                "address": Out(signed(26)),
                "x": Out(signed(26)),
                "inside": Out(1),
                "first_word": Out(1),
                "last_word": Out(1),
                "segment_end": Out(1),
                "closing": Out(1),
                "last_tile": Out(1),
                "weight": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        config, lanes, rows = self.config, self._architecture.lanes, self._architecture.rows
        walking = Signal()

        # Where the walk is within the kernel. `offset` and `along` are the word's place behind a
        # pixel, in the memory and in the image's line: sums kept up to date, so that only one is
        # left to be made when the word is requested.
        slot = Signal(range(lanes), name="slot_asked")  # a cycle before the port
        last_slot, tile_end = Signal(), Signal()
        m.d.comb += last_slot.eq(config.vector | (slot == lanes - 1))
        step = walking & last_slot
        word = Counter(m, "word", config.words, start=self.start, step=step)
        kernel_x = Counter(m, "kernel_x", config.kernel_x, start=self.start, step=step & word.last)
        kernel_y = Counter(
            m, "kernel_y", config.kernel_y, start=self.start, step=step & word.last & kernel_x.last
        )
        first_word = Signal(name="first_word_asked")
        last_word = word.last & kernel_x.last & kernel_y.last
        m.d.comb += tile_end.eq(step & last_word)
        with m.If(self.start):
            m.d.sync += first_word.eq(1)
        with m.Elif(step):
            m.d.sync += first_word.eq(last_word)
        offset, along = Signal(signed(26)), Signal(signed(26))
        column_offset, column_along = Signal(signed(26)), Signal(signed(26))
        line_offset, y_lines = Signal(signed(26)), Signal(signed(18))
        next_line_offset = Mux(kernel_y.last, 0, line_offset + config.kernel_y_step)
        next_column = Mux(kernel_x.last, next_line_offset, column_offset + config.kernel_x_step)
        next_along = Mux(kernel_x.last, 0, column_along + config.kernel_x_step)
        with m.If(walking):
            m.d.sync += slot.eq(Mux(last_slot, 0, slot + 1))
        with m.If(step):
            m.d.sync += [offset.eq(offset + lanes), along.eq(along + lanes)]
            with m.If(word.last):
                m.d.sync += [
                    *(o.eq(next_column) for o in (offset, column_offset)),
                    *(o.eq(next_along) for o in (along, column_along)),
                ]
                with m.If(kernel_x.last):
                    m.d.sync += [
                        line_offset.eq(next_line_offset),
                        y_lines.eq(Mux(kernel_y.last, 0, y_lines + config.dilation_y)),
                    ]

        # The next pixel to be given to a row; after the last one, the first again.
        base, image_base = Signal(signed(26)), Signal(signed(26))
        line, address, x = Signal(signed(26)), Signal(signed(26)), Signal(signed(26))
        y = Signal(signed(18))
        exhausted, exhausted_next, taken = Signal(), Signal(), Signal()
        m.d.comb += taken.eq(walking & first_word & (config.vector | (slot < rows)) & ~exhausted)
        out_x = Counter(m, "out_x", config.out_width, start=self.start, step=taken)
        out_y = Counter(m, "out_y", config.out_height, start=self.start, step=taken & out_x.last)
        image_end = out_x.last & out_y.last
        image = Counter(m, "image", config.repeats + 1, start=self.start, step=taken & image_end)
        m.d.comb += exhausted_next.eq(exhausted | (taken & image_end & image.last))
        m.d.sync += exhausted.eq(exhausted_next)
        next_line, next_image = Signal(signed(26)), Signal(signed(26))
        m.d.comb += [
            next_line.eq(line + config.line_step),
            next_image.eq(image_base + config.image_step),
        ]
        with m.If(taken):
            with m.If(image_end):
                m.d.sync += [
                    *(place.eq(next_image) for place in (image_base, line, address)),
                    x.eq(config.x_start),
                    y.eq(config.y_start),
                ]
            with m.Elif(out_x.last):
                m.d.sync += [
                    *(place.eq(next_line) for place in (line, address)),
                    x.eq(config.x_start),
                    y.eq(y + config.stride_y),
                ]
            with m.Else():
                m.d.sync += [
                    address.eq(address + config.pixel_step),
                    x.eq(x + config.pixel_step),
                ]

        # The rows of the current tile.
        place = Signal(26 + 26 + 18 + 1)
        table = Memory(shape=len(place), depth=lanes, init=[])
        m.submodules.table = table
        keep, recall = table.write_port(), table.read_port(domain="comb")
        fresh = Signal.like(place)
        m.d.comb += [
            fresh.eq(Cat(address, x, y, taken)),
            keep.addr.eq(slot),
            keep.data.eq(fresh),
            keep.en.eq(walking & first_word),
            recall.addr.eq(slot),
            place.eq(Mux(first_word, fresh, recall.data)),
        ]

        # Channel tiles, and the weights that go with them.
        weight, weight_base = Signal(32), Signal(32)
        closing = exhausted_next
        channel_tile = Counter(
            m, "channel_tile", config.channel_tiles, start=self.start, step=tile_end & closing
        )
        # A paced walk: cycles until the next channel tile may begin.
        lead = timing.depthwise_lead(self._architecture) - 1
        pace = timing.depthwise_pace(self._architecture) - 1
        rest = Signal(range(max(lead, pace) + 1))
        rested, proceeds = Signal(), Signal()
        m.d.comb += [
            rested.eq(config.paced & (rest == 0)),
            proceeds.eq(self.proceed | (self.waiting & rested)),
        ]
        with m.If(rest != 0):
            m.d.sync += rest.eq(rest - 1)

        next_base = Signal(signed(26))
        m.d.comb += next_base.eq(Mux(config.vector, base + lanes, base))
        m.d.comb += self.busy.eq(walking | self.waiting)
        check(m, platform, ~self.start | ~self.busy, "walker: started while busy")
        check(m, platform, ~self.proceed | self.waiting, "walker: told to proceed, not waiting")
        with m.If(walking):
            m.d.sync += weight.eq(weight + 1)
        with m.If(tile_end):
            m.d.sync += weight.eq(Mux(closing, weight + 1, weight_base))
            with m.If(closing):
                m.d.sync += [
                    weight_base.eq(weight + 1),
                    base.eq(next_base),
                    walking.eq(~channel_tile.last & (~config.vector | rested)),
                    self.waiting.eq(~channel_tile.last & config.vector & ~rested),
                ]
                with m.If(rested):
                    m.d.sync += rest.eq(pace)
        with m.If(proceeds):
            m.d.sync += [walking.eq(1), self.waiting.eq(0), rest.eq(pace)]

        with m.If(self.start | (tile_end & closing)):
            origin = Mux(self.start, config.base, next_base)
            m.d.sync += [
                *(place.eq(origin) for place in (image_base, line, address)),
                exhausted.eq(0),
            ]
        with m.If(self.start):
            m.d.sync += [
                walking.eq(~config.vector),
                self.waiting.eq(config.vector),
                base.eq(config.base),
                x.eq(config.x_start),
                y.eq(config.y_start),
                rest.eq(lead),
                *(place.eq(config.weight) for place in (weight, weight_base)),
                *(place.eq(0) for place in (slot, offset, along, y_lines)),
                *(place.eq(0) for place in (line_offset, column_offset, column_along)),
            ]

        # Request register.
        row_address, row_x = place[:26].as_signed(), place[26:52].as_signed()
        row_y, row_valid = place[52:70].as_signed(), place[70]
        in_y = Signal(signed(19))
        m.d.comb += in_y.eq(row_y + y_lines)
        m.d.sync += [
            self.valid.eq(walking),
            self.row_valid.eq(walking & row_valid),
            self.slot.eq(slot),
            self.address.eq(row_address + offset),
            self.x.eq(row_x + along),
            self.inside.eq(row_valid & (in_y >= 0) & (in_y < config.height)),
            self.first_word.eq(walking & first_word),
            self.last_word.eq(walking & last_word),
            self.segment_end.eq(word.last),
            self.closing.eq(closing),
            self.last_tile.eq(channel_tile.last),
            self.weight.eq(weight),
            self.finished.eq(tile_end & closing & channel_tile.last),
        ]
        return m
