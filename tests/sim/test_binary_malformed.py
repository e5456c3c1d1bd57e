"""Malformed binary instructions are refused or end, and then the machine still works."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.binary_networks import stacked_network
from tests.support.machine import IMAGES, Machine, check_ends_or_stops
from tests.support.malformed import Sent, Stop
from tests.support.mutations import damage
from tests.support.networks import random_codes

from bitwright.compiler import compile
from bitwright.isa import Architecture, ErrorCode
from bitwright.isa.instructions import EXECUTE_FIELDS
from bitwright.sim.rtl import library_of, verilog_of

ENGINE = Architecture(
    name="8x8 small",
    xnor=True,
    activation_words=256,
    weight_words=1024,
    parameter_records=128,
    execute_instructions=16,
    fetch_instructions=16,
)
PROGRAM_OF_BITS = compile(
    stacked_network(
        (2, 6, 6),
        [
            {"channels": 12, "kernel": (3, 3), "padding": (1, 1, 1, 1)},
            {"channels": 20, "kernel": (3, 3), "padding": (1, 1, 1, 1)},
            "pool",
            "flat",
            9,
        ],
    ),
    ENGINE,
)
ARRAY, BINARY, POOL = 1, 2, 3
"""Its instructions: int8 codes to bits, bits to bits, the maximum of bits."""


@pytest.fixture(scope="module")
def library() -> Path:
    return library_of(verilog_of(ENGINE), trace=False, optimize=1)


@pytest.fixture
def machine(library: Path) -> Iterator[Machine]:
    with Machine(library, ENGINE) as made:
        yield made


def sent_program() -> Sent:
    return Sent.of(PROGRAM_OF_BITS, random_codes(PROGRAM_OF_BITS.network, IMAGES, 5))


def stop_of(machine: Machine, sent: Sent) -> Stop | None:
    return machine.load(sent) or machine.execute(sent)


def check_still_works(machine: Machine) -> None:
    machine.recover()
    machine.check(PROGRAM_OF_BITS, random_codes(PROGRAM_OF_BITS.network, IMAGES, 5))


def test_program_is_as_the_cases_take_it() -> None:
    decoded = PROGRAM_OF_BITS.decoded()
    flags = [(fields["binary"], fields["signs"], fields["vector_op"]) for fields in decoded]
    assert flags[ARRAY : POOL + 1] == [(0, 1, 0), (1, 1, 0), (0, 0, 4)]


@pytest.mark.parametrize(
    ("instruction", "field", "value", "code"),
    [
        *((BINARY, "last_bits", value, "LENGTH") for value in (0, 65, 128, 511)),
        *((BINARY, "vector_op", value, "OPCODE") for value in (3, 5, 7)),
        *((POOL, "vector_op", value, "OPCODE") for value in (3, 5, 6, 7)),
        *((POOL, flag, 1, "OPCODE") for flag in ("binary", "signs")),
        (BINARY, "last_columns", 9, "LENGTH"),
        (BINARY, "weight_base", ENGINE.weight_words - 8, "ADDRESS"),
        (BINARY, "parameter_base", ENGINE.parameter_records, "ADDRESS"),
        (BINARY, "in_base", ENGINE.bank_bytes - 8, "ADDRESS"),
        (ARRAY, "out_base", ENGINE.bank_bytes - 2 * 36 + 1, "ADDRESS"),
    ],
)
def test_malformed_instruction_stops_with_its_error(
    machine: Machine, instruction: int, field: str, value: int, code: str
) -> None:
    sent = sent_program()
    sent.execute(instruction, **{field: value})
    assert stop_of(machine, sent) == Stop(ErrorCode[code], "execute", instruction)
    check_still_works(machine)


def test_bits_may_be_written_up_to_the_end_of_a_bank(machine: Machine) -> None:
    """72 bytes: a byte further and it would be an error, as above."""
    sent = sent_program()
    sent.execute(ARRAY, out_base=ENGINE.bank_bytes - 2 * 36)
    assert stop_of(machine, sent) is None


def check_damaged(library: Path, seed: int) -> None:
    """One to three fields of one instruction become random, and in every other program any bits."""
    rng = np.random.default_rng(seed)
    sent = sent_program()
    names = ["binary", "signs", "last_bits", "vector_op", "words", "kernel_x", "kernel_y"]
    names += ["channel_tiles", "last_columns", "out_width", "out_height", "pixel_step", "wait"]
    number = int(rng.choice([ARRAY, BINARY, POOL]))
    for name in rng.choice(names, rng.integers(1, 4), replace=False):
        most = min(EXECUTE_FIELDS[name].width, int(rng.integers(1, 7)))
        sent.execute(number, **{name: int(rng.integers(0, 1 << most))})
    if seed % 2:
        print(damage(sent, rng))
    check_ends_or_stops(library, ENGINE, sent, seed, check_still_works)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_program_ends_or_stops(library: Path, seed: int) -> None:
    check_damaged(library, seed)
