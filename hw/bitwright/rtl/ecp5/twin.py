"""Two exact 8 x 8 bit products in one multiplier block.

P = (512 w1 + w0) a = 512 w1 a + w0 a. The lanes overlap: w0 a has 16 bits and its upper seven lie
under w1 a. But w1 a modulo 128 needs only the low seven bits of both factors, a few short carry
chains; with it taken off, the upper bits of w0 a stand free, and so does w1 a. The packed word fits
18 bits for all weights, -128 included.
"""

from amaranth.hdl import Cat, Module, Signal, Value, signed

from bitwright.rtl.ecp5.block import block_product
from bitwright.rtl.ecp5.multiply import partial_products

_LANE = 9
_OVERLAP = 16 - _LANE


def twin_products(m: Module, a: Value, w0: Value, w1: Value) -> tuple[Value, Value]:
    """w0 a and w1 a for bytes in cycle t: the first in cycle t + 3, the second in t + 4."""
    packed = Signal(signed(18))
    m.d.comb += packed.eq((w1 << _LANE) + w0)
    product = block_product(m, a, packed)

    low_a, low_w = Signal(_OVERLAP, reset_less=True), Signal(_OVERLAP, reset_less=True)
    m.d.sync += [low_a.eq(a), low_w.eq(w1)]
    rows = []
    for n in range(0, _OVERLAP - 1, 2):
        row = Signal(_OVERLAP - n, reset_less=True)
        m.d.sync += row.eq(partial_products(m, low_a, low_w, n, _OVERLAP - n))
        rows.append(row << n)
    top = Signal(reset_less=True)
    m.d.sync += top.eq(low_a[0] & low_w[6])
    rows.append(top << 6)

    free = Signal(_OVERLAP, reset_less=True)
    m.d.sync += free.eq(product[_LANE:16] - sum(rows[1:], rows[0]))
    low = Signal(_LANE, reset_less=True)
    high = Signal(signed(16), reset_less=True)
    m.d.sync += [low.eq(product), high.eq(product[_LANE:])]
    second = Signal(signed(16), reset_less=True)
    m.d.sync += second.eq(high - free.as_signed())
    return Cat(low, free).as_signed(), second
