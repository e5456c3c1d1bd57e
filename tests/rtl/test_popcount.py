"""The bits in which two words differ: the mapped count in lockstep with the portable one."""

import numpy as np
import pytest
from amaranth.back import verilog
from tests.rtl.lockstep import RANDOM, differing_cycle

from bitwright.arith import pack_words, xnor_dot
from bitwright.rtl.popcount import LATENCY, XnorDifference
from bitwright.sim import VerilatedModel


def drawn(width: int) -> str:
    """Ports of ``width`` bits from the 64 of x: sparse, dense and even words among them.

    A multiple of 64 more of x would be the same word again, so each part is turned its own way;
    three of eight cycles let the words differ in few bits, and one in none or in all.
    """
    parts = -(-width // 64)
    word = ", ".join(f"x[{k - 1}:0], x[63:{k}]" for k in range(1, parts + 1))
    other = ", ".join(f"x[{k - 1}:0], x[63:{k}]" for k in range(7, parts + 7))
    flips = f"(x[2:0] == 0 ? {{{width}{{x[9]}}}} : x[2:0] < 4 ? both & both >> 5 : both)"
    return f"""
  wire [{width - 1}:0] word = {{{word}}}, both = {{{other}}};
  wire [{width - 1}:0] flipped = word ^ {flips};
  wire [{width.bit_length() - 1}:0] bits = x[13:12] == 0 ? {width} : x[40:20] % {width + 1};
"""


@pytest.mark.parametrize("width", [64, 128, 256])
def test_ten_million_words(width: int) -> None:
    found = differing_cycle(
        lambda: XnorDifference(width),
        "a(word), .b(flipped), .bits(bits)",
        {"difference": width.bit_length() + 1},
        10_000_000,
        RANDOM,
        wires=drawn(width),
    )
    assert found == 0, f"they differ as late as cycle {found}"


@pytest.mark.parametrize("width", [4, 8])
def test_all_words(width: int) -> None:
    inputs = f"a(x[{width - 1}:0]), .b(x[{2 * width - 1}:{width}])"
    inputs += f", .bits(x[{2 * width + width.bit_length() - 1}:{2 * width}])"
    cycles = 1 << 2 * width + width.bit_length()
    found = differing_cycle(
        lambda: XnorDifference(width),
        inputs,
        {"difference": width.bit_length() + 1},
        cycles + 16,
        "x + 1",
    )
    assert found == 0, f"they differ as late as cycle {found}"


@pytest.mark.parametrize("width", [4, 16, 64, 128])
def test_portable_count_is_that_of_arith(width: int) -> None:
    text = verilog.convert(XnorDifference(width), name="top", emit_src=False)
    rng = np.random.default_rng(width)
    a, b = rng.integers(0, 2, (2, 60, width))
    b[:20] = a[:20] ^ (rng.random((20, width)) < 0.05)
    b[20], b[21] = a[20], 1 - a[21]
    with VerilatedModel.build(text, "top", trace=False, optimize=1) as model:
        for first, second in zip(a, b, strict=True):
            model.io.a = int("".join(map(str, first[::-1])), 2)
            model.io.b = int("".join(map(str, second[::-1])), 2)
            model.io.bits = width
            model.clock.tick(LATENCY)
            found = int(model.io.difference)
            signed = found - (found >> width.bit_length() << width.bit_length() + 1)
            assert signed == xnor_dot(pack_words([first]), pack_words([second]), width)[0, 0]
