"""Two elaborations of a component side by side: portable, and mapped to the ECP5's cells."""

from collections.abc import Callable
from typing import Any

from amaranth.back import verilog

from bitwright.rtl.technology import Ecp5
from bitwright.sim import VerilatedModel
from bitwright.synth.primitives import primitive_verilog

CELLS = primitive_verilog(["CCU2C", "MULT18X18D"])
RANDOM = "(x << 13 ^ x) ^ ((x << 13 ^ x) >> 7) ^ (((x << 13 ^ x) ^ ((x << 13 ^ x) >> 7)) << 17)"
"""The next x of 64 bits: a xorshift generator."""


def differing_cycle(
    component: Callable[[], Any],
    inputs: str,
    outputs: dict[str, int],
    cycles: int,
    driver: str,
    wires: str = "",
) -> int:
    """Run both versions on the stimulus x; the last cycle they differed in, or 0.

    ``driver`` is the next x of 64 bits; ``outputs`` gives each output's width; ``wires`` declares
    what ``inputs`` names beside x.
    """
    versions = {
        name: verilog.convert(component(), name=name, platform=platform, emit_src=False)
        for name, platform in (("portable", None), ("mapped", Ecp5()))
    }
    assert "CCU2C" in versions["mapped"] or "MULT18X18D" in versions["mapped"]
    # Submodules of equal names are told apart by the version they belong to.
    text = "".join(
        version.replace("\\portable.", f"\\{name}_of.").replace("\\mapped.", f"\\{name}_of.")
        for name, version in versions.items()
    )
    compared = "".join(
        f"wire [{bits - 1}:0] {name}_{port}; "
        for port, bits in outputs.items()
        for name in versions
    )
    cells = "".join(
        f"{name} {name}_cell(.clk(clk), .rst(rst), .{inputs}"
        + "".join(f", .{port}({name}_{port})" for port in outputs)
        + ");\n"
        for name in versions
    )
    unequal = " || ".join(f"portable_{port} != mapped_{port}" for port in outputs)
    bench = f"""
module lockstep(input clk, input rst, output reg [31:0] differing = 0);
  reg [63:0] x = 64'h9e3779b97f4a7c15;
  reg [31:0] cycle = 1;
  {wires}{compared}
  {cells}
  always @(posedge clk) begin
    cycle <= cycle + 1;
    x <= {driver};
    if ({unequal}) differing <= cycle;
  end
endmodule
"""
    sources = text + CELLS + bench
    with VerilatedModel.build(sources, "lockstep", trace=False, optimize=2) as model:
        model.clock.tick(cycles)
        return int(model.io.differing)
