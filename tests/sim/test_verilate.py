import ctypes
from pathlib import Path

import pytest

from bitwright.sim import verilate
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


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BITWRIGHT_BUILD", str(tmp_path))
    return tmp_path / "verilated"


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
    listed = {port.name: (port.direction, port.width) for port in verilate.ports(path.parent)}
    assert listed == {
        "clk": ("in", 1), "wide__in": ("in", 100), "sum": ("out", 100), "stop": ("in", 1),
    }  # fmt: skip
    assert "wide__in in 100;" in Adder(path).library.ports().decode()


def test_a_failed_assertion_reaches_the_caller_with_its_message():
    adder = Adder(build_library(ADDER, "adder", cpp_sources={"driver.cpp": DRIVER}))
    failure = adder.step(1, stop=1)
    assert "adder.v:7" in failure
    assert "stop was 1" in failure
    assert "Assertion failed in" in failure


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
