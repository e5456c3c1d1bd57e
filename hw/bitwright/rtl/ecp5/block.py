"""The multiplier block with the registers inside it."""

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value, signed

BITS = 18


def block_product(m: Module, a: Value, b: Value) -> Value:
    """a b for signed a, b of up to 18 bits in cycle t, in cycle t + 2: one MULT18X18D.

    Operands and product are registered in the block, so the routing to it and from it has a cycle
    each. Synthesis finds a product for itself, but not the block's registers.
    """
    product = [Signal(name=f"p{n}") for n in range(2 * BITS)]
    operands: dict[str, Value] = {}
    for name, value in (("A", a), ("B", b)):
        wide = Signal(signed(BITS))
        m.d.comb += wide.eq(value)
        operands |= {f"i_{name}{n}": wide[n] for n in range(BITS)}
    m.submodules += Instance(
        "MULT18X18D",
        **{f"p_REG_{stage}_CLK": "CLK0" for stage in ("INPUTA", "INPUTB", "OUTPUT")},
        p_REG_PIPELINE_CLK="NONE",
        p_CLK0_DIV="ENABLED",
        p_GSR="DISABLED",
        i_CLK0=ClockSignal(),
        i_CE0=Const(1, 1),
        i_RST0=Const(0, 1),
        i_SIGNEDA=Const(1, 1),
        i_SIGNEDB=Const(1, 1),
        i_SOURCEA=Const(0, 1),
        i_SOURCEB=Const(0, 1),
        **operands,
        **{f"o_P{n}": bit for n, bit in enumerate(product)},
    )
    return Cat(product).as_signed()
