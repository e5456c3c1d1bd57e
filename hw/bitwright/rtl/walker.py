"""The address generator that walks a convolution without an im2col in memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.config import WalkConfig


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
    tile's ends; ``closing`` is high with the last tile of a channel tile; ``weight`` is the address
    of the weight word that goes with the cycle; ``waiting`` asks for ``proceed``.
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
                "closing": Out(1),
                "last_tile": Out(1),
                "weight": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        config, lanes, rows = self.config, self._architecture.lanes, self._architecture.rows
        walking = Signal()

        # Where the walk is within the kernel: offsets that all rows of a tile share.
        slot, word = Signal(range(lanes)), Signal(16)
        kernel_x, kernel_y = Signal(8), Signal(8)
        word_offset, x_offset = Signal(signed(26)), Signal(signed(26))
        y_offset, y_lines = Signal(signed(26)), Signal(signed(18))
        last_slot, last_word, last_x, last_y = (Signal(name=f"last_{n}") for n in "swxy")
        first_word, tile_end = Signal(), Signal()
        m.d.comb += [
            last_slot.eq(config.vector | (slot == lanes - 1)),
            last_word.eq(word == config.words - 1),
            last_x.eq(kernel_x == config.kernel_x - 1),
            last_y.eq(kernel_y == config.kernel_y - 1),
            first_word.eq((word == 0) & (kernel_x == 0) & (kernel_y == 0)),
            tile_end.eq(walking & last_slot & last_word & last_x & last_y),
        ]
        with m.If(walking):
            m.d.sync += slot.eq(Mux(last_slot, 0, slot + 1))
            with m.If(last_slot):
                m.d.sync += [
                    word.eq(Mux(last_word, 0, word + 1)),
                    word_offset.eq(Mux(last_word, 0, word_offset + lanes)),
                ]
                with m.If(last_word):
                    m.d.sync += [
                        kernel_x.eq(Mux(last_x, 0, kernel_x + 1)),
                        x_offset.eq(Mux(last_x, 0, x_offset + config.kernel_x_step)),
                    ]
                with m.If(last_word & last_x):
                    m.d.sync += [
                        kernel_y.eq(Mux(last_y, 0, kernel_y + 1)),
                        y_offset.eq(Mux(last_y, 0, y_offset + config.kernel_y_step)),
                        y_lines.eq(Mux(last_y, 0, y_lines + config.dilation_y)),
                    ]

        # The next pixel to be given to a row.
        base = Signal(signed(26))
        line, address, x = Signal(signed(26)), Signal(signed(26)), Signal(signed(26))
        y = Signal(signed(18))
        out_x, out_y = Signal(16), Signal(16)
        exhausted, exhausted_next, taken = Signal(), Signal(), Signal()
        image, image_base = Signal(8), Signal(signed(26))
        row_end = out_x == config.out_width - 1
        image_end, next_image = Signal(), Signal(signed(26))
        m.d.comb += [
            image_end.eq(row_end & (out_y == config.out_height - 1)),
            next_image.eq(image_base + config.image_step),
            taken.eq(walking & first_word & (config.vector | (slot < rows)) & ~exhausted),
            exhausted_next.eq(exhausted | (taken & image_end & (image == config.repeats))),
        ]
        next_line = Signal(signed(26))
        m.d.comb += next_line.eq(line + config.line_step)
        m.d.sync += exhausted.eq(exhausted_next)
        with m.If(taken):
            with m.If(image_end):
                m.d.sync += [
                    image.eq(image + 1),
                    image_base.eq(next_image),
                    line.eq(next_image),
                    address.eq(next_image),
                    x.eq(config.x_start),
                    y.eq(config.y_start),
                    out_x.eq(0),
                    out_y.eq(0),
                ]
            with m.Elif(row_end):
                m.d.sync += [
                    out_x.eq(0),
                    out_y.eq(out_y + 1),
                    line.eq(next_line),
                    address.eq(next_line),
                    x.eq(config.x_start),
                    y.eq(y + config.stride_y),
                ]
            with m.Else():
                m.d.sync += [
                    out_x.eq(out_x + 1),
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
        channel_tile, weight, weight_base = Signal(16), Signal(32), Signal(32)
        closing, last_channel_tile = Signal(), Signal()
        m.d.comb += [
            closing.eq(exhausted_next),
            last_channel_tile.eq(channel_tile == config.channel_tiles - 1),
        ]
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
                    channel_tile.eq(channel_tile + 1),
                    base.eq(next_base),
                    walking.eq(~last_channel_tile & (~config.vector | rested)),
                    self.waiting.eq(~last_channel_tile & config.vector & ~rested),
                ]
                with m.If(rested):
                    m.d.sync += rest.eq(pace)
        with m.If(proceeds):
            m.d.sync += [walking.eq(1), self.waiting.eq(0), rest.eq(pace)]

        with m.If(self.start | (tile_end & closing)):
            origin = Mux(self.start, config.base, next_base)
            m.d.sync += [
                image.eq(0),
                image_base.eq(origin),
                line.eq(origin),
                address.eq(origin),
                x.eq(config.x_start),
                y.eq(config.y_start),
                out_x.eq(0),
                out_y.eq(0),
                exhausted.eq(0),
            ]
        with m.If(self.start):
            m.d.sync += [
                walking.eq(~config.vector),
                self.waiting.eq(config.vector),
                base.eq(config.base),
                rest.eq(lead),
                channel_tile.eq(0),
                weight.eq(config.weight),
                weight_base.eq(config.weight),
                *(s.eq(0) for s in (slot, word, kernel_x, kernel_y)),
                *(s.eq(0) for s in (word_offset, x_offset, y_offset, y_lines)),
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
            self.address.eq(row_address + y_offset + x_offset + word_offset),
            self.x.eq(row_x + x_offset + word_offset),
            self.inside.eq(row_valid & (in_y >= 0) & (in_y < config.height)),
            self.first_word.eq(walking & first_word),
            self.last_word.eq(walking & last_word & last_x & last_y),
            self.closing.eq(closing),
            self.last_tile.eq(last_channel_tile),
            self.weight.eq(weight),
            self.finished.eq(tile_end & closing & last_channel_tile),
        ]
        return m
