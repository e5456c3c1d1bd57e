"""The ports of a Verilated module, as its generated C++ declares them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bitwright.sim.toolchain import BuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of the top module, as ``Vtop_ports.h`` and ``ports.json`` list it."""

    name: str
    """As in the Verilog."""
    member: str
    """Of the class ``Vtop``, where Verilator mangles some names (``a__b`` is ``a___05Fb``)."""
    direction: Literal["in", "out", "inout"]
    width: int  # bits


def ports(entry: Path) -> list[Port]:
    """The ports of a built module, from the folder its library lies in."""
    return [Port(**port) for port in json.loads((entry / "ports.json").read_text())]


def write_ports(folder: Path) -> None:
    """Read the generated class's ports; list them for C++ and for Python.

    Raises:
        BuildError: a port is an unpacked array.
    """
    found = _declared((folder / "Vtop.h").read_text())
    (folder / "Vtop_ports.h").write_text(_macro(found))
    (folder / "ports.json").write_text(json.dumps([asdict(port) for port in found], indent=1))


# VL_IN8(&clk,0,0); VL_OUTW(&wide,127,0,4); VL_INOUT8(&pad,3,0);
_PORT = re.compile(
    r"^\s*VL_(IN|OUT|INOUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)(?:,\d+)?\);", re.MULTILINE
)
_UNPACKED = re.compile(r"^\s*VlUnpacked<.*&(\w+);", re.MULTILINE)


def _declared(header: str) -> list[Port]:
    section = header[header.index("// PORTS") : header.index("// CELLS")]
    if array := _UNPACKED.search(section):
        raise BuildError(
            f"port {_verilog_name(array[1])!r} is an unpacked array; ports must be vectors"
        )
    return [
        Port(
            name=_verilog_name(member),
            member=member,
            direction=direction.lower(),
            width=int(high) - int(low) + 1,
        )
        for direction, member, high, low in _PORT.findall(section)
    ]


def _verilog_name(member: str) -> str:
    """Undo Verilator's mangling: ``__0`` and two hex digits stand for a character."""
    plain = member.removeprefix("__SYM__")
    return re.sub(r"__0([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), plain, flags=re.I)


def _macro(found: Sequence[Port]) -> str:
    lines = [
        f'    X("{port.name}", {port.member}, {port.direction}, {port.width}) \\' for port in found
    ]
    return "\n".join(
        [
            "// X(name in the Verilog, member of Vtop, direction, width in bits)",
            "#define VTOP_PORTS(X) \\",
            *lines,
            "",
            "",
        ]
    )
