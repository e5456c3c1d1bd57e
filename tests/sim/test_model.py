import random
import re

import numpy as np
import pytest
from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.back import verilog
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from bitwright.sim.model import PortError, SimulationError, VerilatedModel
from bitwright.sim.verilog import simulation_verilog

MIXER = r"""
module mixer(
  input clk, input [7:0] a, input [7:0] a__valid, input [99:0] wide, input signed [3:0] \odd.name ,
  output [8:0] sum, output reg [99:0] kept, output reg [63:0] count);
  initial begin kept = 0; count = 0; end
  assign sum = a + a__valid;
  always @(posedge clk) begin
    kept <= wide ^ \odd.name ;
    count <= count + 1;
    if (a == 200) begin $write("a reached %0d", a); assert (a != 200); end
    if (a == 201) $finish;
  end
endmodule
"""


class Accumulator(wiring.Component):
    """A multiply-accumulate with enable, reset and clear: what a PE is made of."""

    a: In(signed(8))
    b: In(signed(8))
    en: In(1)
    clear: In(1)
    acc: Out(signed(32))
    full: Out(1)

    def elaborate(self, platform):
        m = Module()
        product = Signal(signed(16))
        with m.If(self.en):
            m.d.sync += product.eq(self.a * self.b)
            m.d.sync += self.acc.eq(Mux(self.clear, 0, self.acc) + product)
        m.d.comb += self.full.eq(self.acc > 100_000)
        m.d.sync += Assert(self.acc > -1_000_000, "acc fell too low")
        return m


@pytest.fixture
def mixer():
    with VerilatedModel.build(MIXER) as model:
        yield model


def test_ports_read_and_write_any_width(mixer):
    big = (1 << 99) | (1 << 64) | 5
    mixer.io.wide = big
    mixer.io["odd.name"] = 3
    mixer.clock.tick()
    assert mixer.io.kept == big ^ 3
    assert mixer.io.wide == big


def test_combinational_outputs_follow_without_a_clock(mixer):
    mixer.io.a, mixer.io.a__valid = 200, np.uint8(100)
    assert mixer.io.sum == 300


def test_clock_counts_its_cycles(mixer):
    mixer.clock.tick()
    mixer.clock.tick(1000)
    mixer.clock.tick(0)
    assert mixer.io.count == mixer.cycles == 1001


def test_ports_are_listed(mixer):
    assert len(mixer.io) == len(mixer.ports) == 8
    assert "odd.name" in mixer.io
    assert "nothing" not in mixer.io
    assert {(p.name, p.direction, p.width) for p in mixer.ports} >= {
        ("clk", "in", 1),
        ("a__valid", "in", 8),
        ("wide", "in", 100),
        ("kept", "out", 100),
        ("count", "out", 64),
    }
    assert "out    100 kept" in repr(mixer.io)


def test_unknown_port_names_the_nearest(mixer):
    with pytest.raises(PortError, match=r"no port 'a_valid'; did you mean a__valid"):
        mixer.io.a_valid = 1
    with pytest.raises(PortError, match="no port 'zzz'; it has clk, a, "):
        _ = mixer.io["zzz"]
    assert not hasattr(mixer.io, "zzz")


@pytest.mark.parametrize("value", [256, -1])
def test_value_outside_the_width_is_refused(mixer, value):
    with pytest.raises(ValueError, match=rf"port a is 8 bits wide and takes 0..255, not {value}"):
        mixer.io.a = value
    assert mixer.io.a == 0


def test_an_output_cannot_be_written(mixer):
    with pytest.raises(PortError, match="port sum is an output"):
        mixer.io.sum = 1


def test_a_float_is_no_port_value(mixer):
    with pytest.raises(TypeError):
        mixer.io.a = 1.0


def test_failed_assertion_is_an_error_that_stays(mixer):
    mixer.clock.tick(3)
    mixer.io.a = 200
    with pytest.raises(SimulationError, match=r"a reached 200 \(mixer.v:10: Assertion failed in"):
        mixer.clock.tick()
    mixer.io.a = 0
    with pytest.raises(SimulationError, match="a reached 200"):
        mixer.clock.tick()
    assert mixer.cycles == 3


def test_one_model_failing_leaves_its_twin_alone(mixer):
    with VerilatedModel.build(MIXER) as twin:
        mixer.io.a = 200
        with pytest.raises(SimulationError):
            mixer.clock.tick()
        twin.clock.tick(5)
        assert twin.io.count == 5
        assert not twin.finished


def test_finish_stops_the_clock(mixer):
    mixer.io.a = 201
    mixer.clock.tick(100)
    assert mixer.finished
    assert mixer.cycles == 1


def test_closed_model_says_so():
    model = VerilatedModel.build(MIXER)
    io, clock = model.io, model.clock
    model.close()
    model.close()
    for use in (lambda: io.a, lambda: clock.tick(), model.eval, lambda: model.cycles):
        with pytest.raises(ValueError, match="the model is closed"):
            use()


def test_trace_holds_every_change_of_a_signal(mixer, tmp_path):
    mixer.clock.tick(4)
    mixer.start_trace(tmp_path / "x.vcd")
    for value in (7, 7, 9):
        mixer.io.a = value
        mixer.clock.tick()
    mixer.stop_trace()
    mixer.clock.tick()
    assert _changes(tmp_path / "x.vcd", "a") == [(40, 7), (60, 9)]
    assert _changes(tmp_path / "x.vcd", "count") == [(40, 4), (45, 5), (55, 6), (65, 7)]
    assert _changes(tmp_path / "x.vcd", "clk")[:3] == [(40, 0), (45, 1), (50, 0)]


def test_a_second_trace_is_complete_in_itself(mixer, tmp_path):
    for name in ("one.vcd", "two.vcd"):
        mixer.start_trace(tmp_path / name)
        mixer.clock.tick(2)
        mixer.stop_trace()
    assert [value for _, value in _changes(tmp_path / "two.vcd", "count")] == [2, 3, 4]


def test_trace_reaches_the_failing_cycle(mixer, tmp_path):
    mixer.start_trace(tmp_path / "x.vcd")
    mixer.clock.tick(2)
    mixer.io.a = 200
    with pytest.raises(SimulationError):
        mixer.clock.tick()
    assert _changes(tmp_path / "x.vcd", "a")[-1] == (20, 200)
    assert _changes(tmp_path / "x.vcd", "clk")[-1] == (25, 1)


def test_traces_are_refused_where_they_cannot_be_written(mixer, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        mixer.start_trace(tmp_path / "absent" / "x.vcd")
    with pytest.raises(ValueError, match="no trace is open"):
        mixer.stop_trace()
    mixer.start_trace(tmp_path / "x.vcd")
    with pytest.raises(ValueError, match="already open"):
        mixer.start_trace(tmp_path / "y.vcd")


def test_tracing_must_have_been_built_in(tmp_path):
    with (
        VerilatedModel.build(MIXER, trace=False) as model,
        pytest.raises(ValueError, match="trace=True"),
    ):
        model.start_trace(tmp_path / "x.vcd")


def test_model_without_a_clock_has_none_to_tick():
    text = "module gate(input a, input [1:0] b, output y); assign y = a & b[0]; endmodule"
    with VerilatedModel.build(text) as model:
        model.io.a = model.io.b = 1
        assert model.io.y == 1
        with pytest.raises(PortError, match=r"no clock 'clk'; clock= names .*: a$"):
            model.clock.tick()


def test_top_is_found_or_asked_for(tmp_path):
    inner = "module inner(input a, output b); assign b = !a; endmodule\n"
    outer = "module outer(input a, output b); inner i(.a(a), .b(b)); endmodule // not spare\n"
    path = tmp_path / "design.v"
    path.write_text(inner + outer)
    with VerilatedModel.build(path) as model:
        assert model.io.b == 1
    with pytest.raises(ValueError, match="one of: inner, outer, spare"):
        VerilatedModel.build(inner + outer + "module spare(input c); endmodule\n")


def test_parameters_and_defines_reach_the_design():
    text = """
    module wide #(parameter W = 1)(input [W-1:0] a, output [W-1:0] b);
      assign b = a ^ `MASK;
    endmodule"""
    with VerilatedModel.build(text, parameters={"W": 70}, defines={"MASK": "70'h5"}) as model:
        model.io.a = 1 << 69
        assert model.io.b == (1 << 69) | 5


def test_simulation_form_equals_amaranths_own_verilog():
    """The passes of `simulation_verilog` change the form of registers and nothing else."""
    rng = random.Random(5)
    own = verilog.convert(Accumulator(), name="top", emit_src=False)
    with VerilatedModel.build(Accumulator()) as fast, VerilatedModel.build(own) as plain:
        acc = product = 0
        for cycle in range(3000):
            a, b = rng.randrange(256), rng.randrange(256)
            en, clear, rst = rng.random() < 0.8, rng.random() < 0.02, rng.random() < 0.005
            for model in (fast, plain):
                model.io.a, model.io.b, model.io.en, model.io.clear = a, b, en, clear
                model.io.rst = rst
                model.clock.tick()
            if en:
                acc, product = (0 if clear else acc) + product, _signed(a, 8) * _signed(b, 8)
            if rst:
                acc = product = 0
            for model in (fast, plain):
                assert _signed(model.io.acc, 32) == acc, f"cycle {cycle}"
                assert model.io.full == (acc > 100_000)


class Stores(wiring.Component):
    """A memory of zeros, one of one bit, one of a word, and one with other values."""

    at: In(range(300))
    zero: Out(8)
    bit: Out(1)
    one: Out(8)
    other: Out(8)

    def elaborate(self, platform):
        m = Module()
        shapes = {
            "zero": (8, 300, []),
            "bit": (1, 300, []),
            "one": (8, 1, []),
            "other": (8, 300, range(200)),
        }
        for name, (shape, depth, init) in shapes.items():
            memory = m.submodules[name] = Memory(shape=shape, depth=depth, init=init)
            read, write = memory.read_port(domain="comb"), memory.write_port()
            m.d.comb += [read.addr.eq(self.at), getattr(self, name).eq(read.data)]
            m.d.comb += [write.en.eq(self.at == 299), write.data.eq(~0)]
        return m


def test_memories_begin_as_they_should():
    text = simulation_verilog(Stores())
    assert text.count("initial for") == 3
    assert text.count("initial begin") == 1
    # With ones in the loops, to see that nothing but they fills the memories.
    for filled, value in ((text, 0), (text.replace("] = 0;", "] = 1;"), 1)):
        with VerilatedModel.build(filled, top="top") as model:
            for at in range(299):
                model.io.at = at
                model.clock.tick()
                found = (model.io.zero, model.io.bit, model.io.other)
                assert found == (value, value, at if at < 200 else 0), f"word {at}"
            model.io.at = 0
            assert model.io.one == value


class Chooser(wiring.Component):
    """What yosys makes functions of: choices among many, of a bit, a word, and concatenations."""

    select: In(3)
    words: In(64)
    word: Out(8)
    flag: Out(1)

    def elaborate(self, platform):
        m = Module()
        with m.Switch(self.select):
            for n in range(7):
                with m.Case(n):
                    m.d.comb += self.word.eq(self.words.word_select(n, 8))
                    m.d.comb += self.flag.eq(self.words[9 * n])
            with m.Default():
                m.d.comb += self.word.eq(Cat(self.words[:4], self.words[60:]))
        m.d.sync += Assert(self.select != 6, "six was selected")
        return m


def test_choices_leave_as_conditional_expressions():
    own = verilog.convert(Chooser(), name="top", emit_src=False)
    text = simulation_verilog(Chooser())
    assert "casez" not in text
    assert "function" not in text
    rng = random.Random(6)
    with VerilatedModel.build(text, top="top") as fast, VerilatedModel.build(own) as plain:
        for _ in range(200):
            words, select = rng.getrandbits(64), rng.choice([0, 1, 2, 3, 4, 5, 7])
            for model in (fast, plain):
                model.io.words, model.io.select = words, select
                model.clock.tick()
            if select < 7:
                assert fast.io.word == words >> 8 * select & 0xFF
                assert fast.io.flag == words >> 9 * select & 1
            assert (fast.io.word, fast.io.flag) == (plain.io.word, plain.io.flag)
        fast.io.select = 6
        with pytest.raises(SimulationError, match="six was selected"):
            fast.clock.tick()


def test_amaranth_assertion_is_raised_with_its_text():
    with VerilatedModel.build(Accumulator()) as model:
        model.io.a, model.io.b, model.io.en = 0x80, 127, 1
        with pytest.raises(SimulationError, match="acc fell too low"):
            model.clock.tick(1000)
        assert 61 < model.cycles < 66


def _signed(code, bits):
    return code - (1 << bits) if code >> (bits - 1) else code


def _changes(path, signal):
    """The (time, value) pairs of a signal of the top module in a VCD file."""
    text = path.read_text()
    code = re.search(rf"\$var wire\s+\d+ (\S+) {signal} ", text)[1]
    time, found = 0, []
    for line in text.splitlines():
        if line.startswith("#"):
            time = int(line[1:])
        elif match := re.fullmatch(rf"(?:b([01]+) |([01])){re.escape(code)}", line):
            found.append((time, int(match[1] or match[2], 2)))
    return found
