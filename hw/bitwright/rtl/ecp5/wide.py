"""Products of more than 18 bits, from several multiplier blocks."""

from amaranth.hdl import Module, Signal, Value, signed

from bitwright.rtl.delay import registered
from bitwright.rtl.ecp5.block import BITS, block_product

_LIMB = BITS - 1
LATENCY = 5


def wide_product(m: Module, a: Value, b: Value) -> Value:
    """a b for signed a of up to 35 bits and unsigned b of up to 34, in cycle t, in cycle t + 5.

    One block per limb of a and limb of b, 17 bits each and the sign with the highest; then the
    limbs of a are added, and then those of b.
    """
    bits = len(a) + len(b)
    rows = []
    for start in range(0, len(b), _LIMB):
        limb = b[start : start + _LIMB]
        row = Signal(signed(len(a) + len(limb)), reset_less=True)
        m.d.sync += row.eq(_times_limb(m, a, limb))
        rows.append(row << start)
    product = Signal(signed(bits), reset_less=True)
    m.d.sync += product.eq(sum(rows[1:], rows[0]))
    return product


def _times_limb(m: Module, a: Value, limb: Value) -> Value:
    """a limb, in three cycles and an adder: a block's product is late in its cycle."""
    if len(a) <= BITS:
        return registered(m, block_product(m, a, limb), 1, "limb")
    low = registered(m, block_product(m, a[:_LIMB], limb), 1, "low")
    high = registered(m, block_product(m, a[_LIMB:].as_signed(), limb), 1, "high")
    return low + (high << _LIMB)
