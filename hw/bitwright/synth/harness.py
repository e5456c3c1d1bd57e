"""Routing a design with more ports than the package has pins.

An accelerator has hundreds of port bits that meet a processor or a DMA engine inside the chip and
not pins. Routed alone it would not fit the package; with ports left open it would be optimised
away. So the mapped netlist, which is not optimised again, is placed in a harness of four pins::

    si -> input shift register -> design -> sample register -> output shift register -> so

While ``shift`` is 1 both shift registers move; at 0 the inputs rest, the outputs are sampled and
the samples are loaded. So every input bit comes from a flip-flop and every output bit reaches one,
as beside a registered neighbour, and Fmax covers the ports' paths too. Nothing in the design is
constant or unused. Paths between the four pins and flip-flops belong to no clock and not to Fmax.

Cost, outside the netlist and reported apart: one flip-flop per input bit, two flip-flops and one
LUT per output bit.
"""

import json
from dataclasses import dataclass
from pathlib import Path

HARNESS = "bitwright_harness"
INSTANCE = "dut"
"""Name of the design in the harness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port of a module."""

    name: str
    direction: str
    """`input`, `output` or `inout`."""
    width: int
    """In bits."""


def read_ports(netlist: Path, top: str) -> tuple[Port, ...]:
    """Return the ports of module ``top`` in a netlist written by yosys as JSON, in its order."""
    ports = json.loads(netlist.read_text())["modules"][top]["ports"]
    return tuple(
        Port(name=name, direction=port["direction"], width=len(port["bits"]))
        for name, port in ports.items()
    )


def harness_verilog(top: str, ports: tuple[Port, ...], clock: str) -> str:
    """Return the harness and an empty `top` to instantiate, as Verilog.

    Raises:
        ValueError: no 1-bit input of the clock's name, no outputs, or a bidirectional port.
    """
    inputs = [port for port in ports if port.direction == "input" and port.name != clock]
    outputs = [port for port in ports if port.direction == "output"]
    for port in ports:
        if port.direction not in ("input", "output"):
            raise ValueError(
                f"{top}: port {port.name!r} is {port.direction}; only input and output"
            )
    if not any(port == Port(name=clock, direction="input", width=1) for port in ports):
        names = ", ".join(port.name for port in ports if port.direction == "input")
        raise ValueError(f"{top}: the clock {clock!r} is not a 1-bit input; inputs are {names}")
    if not outputs:
        raise ValueError(f"{top}: a design without outputs has nothing that could be observed")

    connections = [f".{_name(clock)}(clk)"]
    connections += _slices(inputs, "entering") + _slices(outputs, "result")
    separator = ",\n    "
    stub = "\n".join(f"  {port.direction} {_range(port)}{_name(port.name)};" for port in ports)
    return f"""\
(* blackbox *)
module {_name(top)}({", ".join(_name(port.name) for port in ports)});
{stub}
endmodule

module {HARNESS}(input clk, input shift, input si, output so);
  reg [{max(1, _bits(inputs)) - 1}:0] entering;
  wire [{_bits(outputs) - 1}:0] result;
  reg [{_bits(outputs) - 1}:0] sampled, leaving;
  always @(posedge clk) begin
    if (shift) entering <= {{entering, si}};
    if (!shift) sampled <= result;
    leaving <= shift ? {{leaving, 1'b0}} : sampled;
  end
  assign so = leaving[{_bits(outputs) - 1}];
  {_name(top)}{INSTANCE}(
    {separator.join(connections)}
  );
endmodule
"""


def _bits(ports: list[Port]) -> int:
    return sum(port.width for port in ports)


def _slices(ports: list[Port], vector: str) -> list[str]:
    """Connect consecutive slices of a vector to the ports."""
    connections, low = [], 0
    for port in ports:
        connections.append(f".{_name(port.name)}({vector}[{low + port.width - 1}:{low}])")
        low += port.width
    return connections


def _range(port: Port) -> str:
    return f"[{port.width - 1}:0] "


def _name(name: str) -> str:
    """Escape an identifier; the closing space belongs to it."""
    return f"\\{name} "
