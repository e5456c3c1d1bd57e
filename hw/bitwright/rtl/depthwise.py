"""The depthwise engine: 3x3 convolutions within channels, a word of codes per cycle."""

from functools import reduce
from operator import add

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from bitwright.isa import Architecture, timing
from bitwright.rtl.assertions import check
from bitwright.rtl.config import WindowConfig
from bitwright.rtl.delay import delayed, registered
from bitwright.rtl.multiplier import byte_product
from bitwright.rtl.windows import WindowSchedule

TAPS = timing.DEPTHWISE_TAPS


class DepthwiseEngine(wiring.Component):
    """Sums of nine products per lane over the 3x3 windows of an image, padded by one or not.

    The twin is depthwise `bitwright.arith.conv2d`. Each word of ``lanes`` channels comes once, in
    raster order, channel tile after channel tile. A memory gives back the words one and two lines
    before; three words of each of the three lines are the window. What it has outside the image
    reads as ``pad``, and costs neither a read nor a cycle: see `WindowSchedule`.

    A tile's weights are fetched while the tile before is under way and change over with its first
    window. Latency: a word in cycle t, the sums of the window it completes in ``acc`` in cycle
    t + 8. Throughput: one word per cycle; a tile's first word `timing.depthwise_pace` cycles or
    more after that of the tile before. Handshake: of `WindowSchedule`; ``word`` comes a cycle after
    ``coming``, ``weight_data`` a cycle after ``weight_address``.

    Limits: lines of 2 to ``line_words`` words.
    """

    LATENCY = timing.DEPTHWISE_LATENCY - 1

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        lanes = architecture.lanes
        super().__init__(
            {
                "config": In(WindowConfig()),
                "pad": In(signed(8)),
                "weight_base": In(32),
                "start": In(1),
                "coming": In(1),
                "tile_ends": In(1),
                "last_tile": In(1),
                "walk_ends": In(1),
                "word": In(ArrayLayout(signed(8), lanes)),
                "weight_valid": Out(1),
                "weight_address": Out(32),
                "weight_data": In(8 * lanes),
                "completes": Out(1),
                "opens": Out(1),
                "closes": Out(1),
                "of_last": Out(1),
                "finished": Out(1),
                "acc": Out(ArrayLayout(signed(architecture.accumulator_bits), lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.schedule = schedule = WindowSchedule()
        for name in ("config", "start", "tile_ends", "last_tile", "walk_ends"):
            m.d.comb += getattr(schedule, name).eq(getattr(self, name))
        for name in ("completes", "opens", "closes", "of_last", "finished"):
            m.d.comb += getattr(self, name).eq(getattr(schedule, name))
        m.d.comb += schedule.word.eq(self.coming)

        window = self._window(m, schedule)
        elements = self._padded(m, schedule, window)
        weights = self._weights(m, platform, schedule)
        for lane in range(self._architecture.lanes):
            self._sum(m, platform, lane, elements, weights)
        return m

    def _window(self, m: Module, schedule: WindowSchedule) -> list[list[Signal]]:
        """Three words of each of the last three lines, ``[line][column]``; and the memory behind.

        The word announced in cycle t is in the window from t + 2 on.
        """
        bits = 8 * self._architecture.lanes
        depth = self._architecture.line_words
        m.submodules.lines = lines = Memory(shape=unsigned(2 * bits), depth=depth, init=[])
        read, write = lines.read_port(), lines.write_port()
        place = Signal(range(depth))
        with m.If(self.start):
            m.d.sync += place.eq(0)
        with m.Elif(schedule.advance):
            m.d.sync += place.eq(Mux(place == self.config.line - 1, 0, place + 1))
        arrives = delayed(m, schedule.advance, 1, "arrives")
        m.d.comb += [
            read.addr.eq(place),
            write.addr.eq(delayed(m, place, 1, "place")),
            write.en.eq(arrives),
            write.data.eq(Cat(self.word.as_value(), read.data[:bits])),
        ]
        fresh = [read.data[bits:], read.data[:bits], self.word.as_value()]
        window = [[Signal(bits, name=f"word_{i}_{j}") for j in range(3)] for i in range(3)]
        with m.If(arrives):
            for line, newest in zip(window, fresh, strict=True):
                m.d.sync += Cat(*line).eq(Cat(*line[1:], newest))
        return window

    def _padded(
        self, m: Module, schedule: WindowSchedule, window: list[list[Signal]]
    ) -> list[Signal]:
        """The window's nine words in (line, column) order, padding in place, a cycle later."""
        left, right, top, bottom = (
            delayed(m, getattr(schedule, edge), 2, edge)
            for edge in ("left", "right", "top", "bottom")
        )
        lanes = self._architecture.lanes
        elements = []
        for i, over_y in enumerate((top, 0, bottom)):
            for j, over_x in enumerate((left, 0, right)):
                element = Signal(8 * lanes, name=f"element_{i}_{j}")
                m.d.sync += element.eq(
                    Mux(over_y | over_x, self.pad.as_unsigned().replicate(lanes), window[i][j])
                )
                elements.append(element)
        return elements

    def _weights(self, m: Module, platform: object, schedule: WindowSchedule) -> list[Signal]:
        """The tile's nine weight words, in use and, behind them, the next tile's."""
        bits = 8 * self._architecture.lanes
        left = Signal(range(TAPS + 1))
        begun = delayed(m, self.start, 1, "begun")
        fetches = begun | (schedule.opens & ~schedule.of_last)
        m.d.comb += self.weight_valid.eq(left != 0)
        check(m, platform, ~fetches | (left <= 1), "depthwise: weights are fetched too soon")
        with m.If(self.weight_valid):
            m.d.sync += [left.eq(left - 1), self.weight_address.eq(self.weight_address + 1)]
        with m.If(fetches):
            m.d.sync += left.eq(TAPS)
        with m.If(self.start):
            m.d.sync += self.weight_address.eq(self.weight_base)

        coming, used = (
            [Signal(bits, name=f"{name}_{tap}") for tap in range(TAPS)] for name in ("next", "tap")
        )
        fetched = delayed(m, self.weight_valid, 1, "fetched")
        changes = delayed(m, schedule.opens, 2, "changes")
        with m.If(fetched):
            m.d.sync += Cat(*coming).eq(Cat(*coming[1:], self.weight_data))
        with m.If(changes):
            m.d.sync += Cat(*used).eq(Cat(*coming))
        # The last of the nine is in place in the cycle after it was fetched.
        waits = self.weight_valid | fetched
        check(m, platform, ~changes | ~waits | (left >= TAPS - 1), "depthwise: weights come late")
        return used

    def _sum(
        self,
        m: Module,
        platform: object,
        lane: int,
        elements: list[Signal],
        weights: list[Signal],
    ) -> None:
        """Nine products, three sums of three, and theirs: a register each, the products' two."""
        products = []
        for element, weight in zip(elements, weights, strict=True):
            code, factor = (word.word_select(lane, 8).as_signed() for word in (element, weight))
            style = self._architecture.lane_multiplier
            products.append(byte_product(m, platform, code, factor, style))
        thirds = []
        for line in range(3):
            third = Signal(signed(18), name=f"third_{lane}_{line}")
            m.d.sync += third.eq(reduce(add, products[3 * line : 3 * line + 3]))
            thirds.append(third)
        two = Signal(signed(19), name=f"two_thirds_{lane}")
        m.d.sync += two.eq(thirds[0] + thirds[1])
        total = Signal(signed(20), name=f"ninth_{lane}")
        m.d.sync += total.eq(two + registered(m, thirds[2], 1, f"last_third_{lane}"))
        m.d.sync += self.acc[lane].eq(total)
