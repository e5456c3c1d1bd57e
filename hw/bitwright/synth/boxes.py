"""Cells that the design instantiates and yosys' technology mapper must not look into.

With registers inside a MULT18X18D `abc9` fails (yosys 0.70). While synthesis runs, such cells go by
another name, that of an empty module; the mapper then takes them for the border of the design.
"""

from collections.abc import Mapping

_MULTIPLIER = {
    "input": [
        *("CLK0", "CE0", "RST0", "SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"),
        *(f"{operand}{n}" for operand in "AB" for n in range(18)),
    ],
    "output": [f"P{n}" for n in range(36)],
    "parameter": [
        *(f"REG_{stage}_CLK" for stage in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")),
        *("CLK0_DIV", "GSR"),
    ],
}
BOXES: Mapping[str, Mapping[str, list[str]]] = {"MULT18X18D": _MULTIPLIER}
"""Per cell: the ports and parameters that designs connect."""


def box_verilog(cells: tuple[str, ...]) -> str:
    """Return the empty modules."""
    return "".join(_empty_module(cell, BOXES[cell]) for cell in cells)


def hide(cells: tuple[str, ...]) -> str:
    """Return the yosys commands that put the cells into their boxes."""
    return "".join(f"chtype -set {_boxed(cell)} t:{cell}\n" for cell in cells)


def reveal(cells: tuple[str, ...]) -> str:
    """Return the yosys commands that take the cells out again."""
    return "".join(f"chtype -set {cell} t:{_boxed(cell)}\n" for cell in cells)


def _boxed(cell: str) -> str:
    return f"BOXED_{cell}"


def _empty_module(cell: str, members: Mapping[str, list[str]]) -> str:
    ports = [f"{kind} {name}" for kind in ("input", "output") for name in members[kind]]
    parameters = "".join(f'  parameter {name} = "";\n' for name in members["parameter"])
    return f"""\
(* blackbox *)
module {_boxed(cell)}(
  {", ".join(ports)});
{parameters}endmodule
"""
