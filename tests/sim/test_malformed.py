"""Malformed programs and resets through the C++ driver: progress or an error, never a hang."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cocotb.small import ARCHITECTURE, images, network
from tests.support.machine import IMAGES, Machine, check_ends_or_stops
from tests.support.malformed import RESIDENT, STREAMED, Case, Sent, Stop, cases, powers_of_two
from tests.support.mutations import damage

from bitwright.compiler import compile
from bitwright.sim.rtl import library_of, verilog_of

PROGRAMS = {
    RESIDENT: compile(network(streamed=False), ARCHITECTURE),
    STREAMED: compile(network(streamed=True), ARCHITECTURE),
}


@pytest.fixture(scope="module")
def library() -> Path:
    return library_of(verilog_of(ARCHITECTURE), trace=False, optimize=1)


@pytest.fixture
def machine(library: Path) -> Iterator[Machine]:
    with Machine(library, ARCHITECTURE) as made:
        yield made


def check_still_works(machine: Machine) -> None:
    """Back from whatever it was, the machine runs both programs exactly."""
    machine.recover()
    machine.pause(0)
    for program in PROGRAMS.values():
        machine.check(program, images(program, IMAGES, 5))


def stop_of(machine: Machine, sent: Sent) -> Stop | None:
    return machine.load(sent) or machine.execute(sent)


@pytest.mark.parametrize(
    "case",
    [*cases(*PROGRAMS.values()), *powers_of_two(PROGRAMS[RESIDENT])],
    ids=lambda case: case.name,
)
def test_malformed_program_stops_with_its_error(machine: Machine, case: Case) -> None:
    program = PROGRAMS[case.program]
    sent = Sent.of(program, images(program, IMAGES, 5))
    case.spoil(sent)
    assert stop_of(machine, sent) == case.stop
    check_still_works(machine)


def check_damaged(library: Path, seed: int) -> None:
    """Damaged as the seed says, a program ends or stops; without breaking an assertion but its own.

    After an assertion a model is of no use: hence a machine of its own.
    """
    rng = np.random.default_rng(seed)
    program = list(PROGRAMS.values())[rng.integers(2)]
    sent = Sent.of(program, images(program, IMAGES, 5))
    print(f"seed {seed}: {damage(sent, rng)}")
    check_ends_or_stops(library, ARCHITECTURE, sent, seed, check_still_works)


@pytest.mark.parametrize("seed", range(400))
def test_damaged_program_ends_or_stops(library: Path, seed: int) -> None:
    check_damaged(library, seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100, 200))
def test_damaged_program_ends_or_stops_every_time(library: Path, block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        check_damaged(library, seed)


def soft(machine: Machine) -> None:
    machine.recover()


def hard(machine: Machine) -> None:
    machine.hard_reset()


def interrupted(machine: Machine, reset: Callable[[Machine], None], seed: int) -> None:
    """Stop a load or a run by a reset at a random cycle, with random back-pressure."""
    rng = np.random.default_rng(seed)
    program = list(PROGRAMS.values())[rng.integers(2)]
    sent = Sent.of(program, images(program, IMAGES, 5))
    machine.pause(seed, *rng.choice([0, 0.2, 0.8], 3))
    if rng.random() < 0.5:
        assert machine.load(sent) is None
        machine.begin_run(sent)
        machine.tick(int(rng.integers(0, 2500)))
    else:
        machine.begin_load(sent)
        machine.tick(int(rng.integers(0, 400)))
    reset(machine)
    check_still_works(machine)


@pytest.mark.parametrize("reset", [soft, hard])
@pytest.mark.parametrize("block", range(5))
def test_reset_at_any_cycle_returns_to_idle(
    machine: Machine, reset: Callable[[Machine], None], block: int
) -> None:
    for seed in range(50 * block, 50 * block + 50):
        print(f"seed {seed}")
        interrupted(machine, reset, seed)
