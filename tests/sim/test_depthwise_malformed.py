"""Malformed depthwise instructions are refused or end, and then the machine still works."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cocotb.small import ARCHITECTURE
from tests.support.machine import IMAGES, Machine, check_ends_or_stops
from tests.support.malformed import Sent, Stop
from tests.support.mutations import damage
from tests.support.networks import Limits, random_codes, random_network

from bitwright.arith import Rounding
from bitwright.compiler import CompileError, Program, compile
from bitwright.isa import ErrorCode
from bitwright.isa.instructions import EXECUTE_FIELDS, VectorOp
from bitwright.sim.rtl import library_of, verilog_of

ENGINE = replace(ARCHITECTURE, line_words=16)
LIMITS = Limits(
    kinds=("window",), channels=(5, 9), pixels=(4, 7), roundings=(Rounding.HALF_UP,), blocks=(2, 2)
)


def first_program() -> Program:
    """The first that fits and whose first operation the engine takes."""
    for seed in range(100):
        try:
            program = compile(random_network(seed, limits=LIMITS), ENGINE)
        except CompileError:
            continue
        fields = program.decoded()[1]
        if fields["vector_op"] == VectorOp.DEPTHWISE and not fields["residual"]:
            return program
    raise AssertionError("no random network begins with a convolution for the engine")


DEPTHWISE = first_program()


@pytest.fixture(scope="module")
def library() -> Path:
    return library_of(verilog_of(ENGINE), trace=False, optimize=1)


@pytest.fixture
def machine(library: Path) -> Iterator[Machine]:
    with Machine(library, ENGINE) as made:
        yield made


def stop_of(machine: Machine, sent: Sent) -> Stop | None:
    return machine.load(sent) or machine.execute(sent)


def check_still_works(machine: Machine) -> None:
    machine.recover()
    machine.check(DEPTHWISE, random_codes(DEPTHWISE.network, IMAGES, 5))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        *((name, 0, "LENGTH") for name in ("words", "height", "kernel_x_step", "kernel_y_step")),
        *(("words", value, "LENGTH") for value in (1, 17, 32, 1 << 15)),
        *((name, 2, "LENGTH") for name in ("kernel_x", "kernel_y", "repeats")),
        ("last_columns", ENGINE.lanes + 1, "LENGTH"),
        ("weight_base", ENGINE.weight_words - 8, "ADDRESS"),
        ("parameter_base", ENGINE.parameter_records, "ADDRESS"),
        ("in_base", ENGINE.bank_bytes - 8, "ADDRESS"),
        ("out_base", ENGINE.bank_bytes - 8, "ADDRESS"),
    ],
)
def test_malformed_instruction_stops_with_its_error(
    machine: Machine, field: str, value: int, code: str
) -> None:
    sent = Sent.of(DEPTHWISE, random_codes(DEPTHWISE.network, IMAGES, 5))
    sent.execute(1, **{field: value})
    assert stop_of(machine, sent) == Stop(ErrorCode[code], "execute", 1)
    check_still_works(machine)


def check_damaged(library: Path, seed: int) -> None:
    """One to three fields of the convolution become random, and in every other program any bits."""
    rng = np.random.default_rng(seed)
    sent = Sent.of(DEPTHWISE, random_codes(DEPTHWISE.network, IMAGES, 5))
    names = ["words", "height", "out_width", "out_height", "kernel_x_step", "kernel_y_step"]
    names += ["dilation_y", "channel_tiles", "pixel_step", "line_step", "x_start", "y_start"]
    for name in rng.choice(names, rng.integers(1, 4), replace=False):
        most = min(EXECUTE_FIELDS[name].width - 1, int(rng.integers(1, 7)))
        sent.execute(1, **{name: int(rng.integers(0, 1 << most))})
    if seed % 2:
        print(damage(sent, rng))
    check_ends_or_stops(library, ENGINE, sent, seed, check_still_works)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_program_ends_or_stops(library: Path, seed: int) -> None:
    check_damaged(library, seed)
