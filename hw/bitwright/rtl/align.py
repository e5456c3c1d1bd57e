"""Between byte addresses and the lanes of a memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value


def bump_mask(offset: Value, lanes: int) -> Value:
    """Bit m is set where lane m lies below the word's first byte: in the memory's next row."""
    return Cat(offset > m for m in range(lanes))


def rotate(m: Module, data: list[Value], amount: Value, name: str) -> list[Value]:
    """``data`` rotated down: element e is data[(e + amount) mod n]; n a power of two.

    A barrel of log2 n two-way stages, combinational.
    """
    n = len(data)
    for stage in range(n.bit_length() - 1):
        step = 1 << stage
        turned = []
        for e in range(n):
            out = Signal.like(data[e], name=f"{name}_{stage}_{e}")
            m.d.comb += out.eq(Mux(amount[stage], data[(e + step) % n], data[e]))
            turned.append(out)
        data = turned
    return data
