"""The simulation model of the ECP5's memory block beside one of Python integers."""

import random

import pytest
from tests.support.verilog import pins

from bitwright.sim import VerilatedModel
from bitwright.sim.model import SimulationError
from bitwright.synth.primitives import primitive_verilog

MEMORIES = {
    # Name: widths of the ports A and B, and what a port shows while it writes.
    "w1": (1, 9, "NORMAL"),
    "w4": (4, 18, "WRITETHROUGH"),
    "w9": (9, 9, "READBEFOREWRITE"),
    "w18": (18, 2, "NORMAL"),
    "w36": (36, 36, "NORMAL"),
    "w36to9": (36, 9, "NORMAL"),
}


def memory_verilog() -> str:
    lines = ["module bench(input clk, input [13:0] ad_a, ad_b, input [17:0] di_a, di_b,"]
    lines += ["  input ce_a, ce_b, we_a, we_b, rst_a, rst_b,"]
    lines += [f"  output [17:0] a_{name}, b_{name}," for name in MEMORIES]
    lines[-1] = lines[-1].removesuffix(",") + ");"
    for name, (width_a, width_b, mode) in MEMORIES.items():
        ports = []
        for port, width in (("A", width_a), ("B", width_b)):
            small = port.lower()
            ports += [pins(f"AD{port}", 14, f"ad_{small}"), pins(f"DI{port}", 18, f"di_{small}")]
            ports += [pins(f"DO{port}", 18, f"{small}_{name}")]
            writes = f"we_{small}" if port == "A" or max(width, width_a) < 36 else "1'b0"
            writes = "1'b1" if port == "A" and width == 36 else writes
            ports += [f".CLK{port}(clk), .CE{port}(ce_{small}), .WE{port}({writes})"]
            ports += [f".RST{port}(rst_{small})"]
        lines.append(
            f'DP16KD #(.DATA_WIDTH_A({width_a}), .DATA_WIDTH_B({width_b}), .WRITEMODE_A("{mode}"), '
            f'.WRITEMODE_B("{mode}")) {name}({", ".join(ports)});'
        )
    return "\n".join([*lines, "endmodule", primitive_verilog(["DP16KD"])])


class Block:
    """A memory block as Python integers: 16384 bits and a ninth bit per byte."""

    def __init__(self, width_a: int, width_b: int, mode: str) -> None:
        self.width, self.mode = (width_a, width_b), mode
        self.bits = [[0] * 9 for _ in range(2048)]
        self.out = [0, 0]

    def places(self, port: int, address: int) -> list[tuple[int, int]]:
        """Byte and bit of each of a word's bits, lowest first."""
        width = self.width[port]
        if width < 9:
            first = address // width * width
            return [((first + i) // 8, (first + i) % 8) for i in range(width)]
        first = address // 8 // (width // 9) * (width // 9)
        return [(first + i // 9, i % 9) for i in range(width)]

    def written(
        self, port: int, address: int, enabled: bool, data: int
    ) -> dict[tuple[int, int], int]:
        """The bits that a port writes."""
        if not enabled:
            return {}
        enables = address if self.width[port] >= 18 else 1
        return {
            place: data >> i & 1
            for i, place in enumerate(self.places(port, address))
            if enables >> i // 9 & 1
        }

    def cycle(self, requests: list[tuple[int, int, bool, bool, bool]]) -> None:
        """One clock: per port address, data, ce, we, rst."""
        writes = [
            self.written(port, address, ce and we and not rst, data)
            for port, (address, data, ce, we, rst) in enumerate(requests)
        ]
        for port, (address, _, ce, we, rst) in enumerate(requests):
            if rst:
                self.out[port] = 0
            elif ce:
                # A byte the other port is writing is unknown; the model gives it inverted.
                taken = {byte for byte, _ in writes[1 - port]}
                for i, (byte, bit) in enumerate(self.places(port, address)):
                    new = self.bits[byte][bit] ^ (byte in taken)
                    if we and self.mode == "NORMAL":
                        continue
                    if we and self.mode == "WRITETHROUGH":
                        if (byte, bit) not in writes[port]:
                            continue
                        new = writes[port][byte, bit]
                    self.out[port] = self.out[port] & ~(1 << i) | new << i
        for write in writes:
            for (byte, bit), new in write.items():
                self.bits[byte][bit] = new


def test_memory_blocks_follow_their_description() -> None:
    rng = random.Random(3)
    blocks = {name: Block(*widths) for name, widths in MEMORIES.items()}
    seen = dict.fromkeys(MEMORIES, 0)
    with VerilatedModel.build(memory_verilog(), "bench", trace=False, optimize=1) as model:
        io = model.io
        for _ in range(4000):
            requests = []
            for small in "ab":
                # Few addresses, so that what is written is read, by both ports at once as well.
                address = rng.randrange(4) << 12 | rng.getrandbits(6)
                request = (address, rng.getrandbits(18), rng.random() < 0.8, rng.random() < 0.4)
                requests.append((*request, rng.random() < 0.03))
                names = ("ad", "di", "ce", "we", "rst")
                for name, setting in zip(names, requests[-1], strict=True):
                    io[f"{name}_{small}"] = int(setting)
            (a, dia, cea, wea, rsta), (b, dib, ceb, web, rstb) = requests
            if wea and web and a >> 5 == b >> 5:
                web = False  # both writing one byte is unknown on the chip, and not modelled
                io.we_b = 0
            model.clock.tick()
            for name, block in blocks.items():
                width_a, width_b, _ = MEMORIES[name]
                wide = width_a == 36
                block.cycle(
                    [
                        (a, dib << 18 | dia if wide else dia, cea, wea or wide, rsta),
                        (b, dib, ceb, web and not wide, rstb),
                    ]
                )
                got = io[f"b_{name}"]
                if width_b == 36:
                    got = got << 18 | io[f"a_{name}"]
                assert got == block.out[1], name
                if not wide:
                    assert io[f"a_{name}"] == block.out[0], name
                seen[name] += got != 0
    assert min(seen.values()) > 500


def test_asynchronous_reset_that_is_used_stops_the_simulation() -> None:
    text = 'module bench(input clk, rst); DP16KD #(.RESETMODE("ASYNC")) block('
    text += ".CLKA(clk), .CLKB(clk), .RSTB(rst)); endmodule\n" + primitive_verilog(["DP16KD"])
    with VerilatedModel.build(text, "bench", trace=False, optimize=0) as model:
        model.clock.tick(3)
        model.io.rst = 1
        with pytest.raises(SimulationError, match="no model of an asynchronous reset"):
            model.clock.tick()
