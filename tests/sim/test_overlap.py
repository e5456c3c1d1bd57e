"""Overlapping instructions on the RTL: their waits are as long as they must be."""

import dataclasses

import pytest
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture
from bitwright.isa.instructions import EXECUTE_FIELDS, EXECUTE_WORDS, encode
from bitwright.sim import verify
from bitwright.sim.model import SimulationError


def with_waits(program: Program, change: int) -> Program:
    """The program with ``change`` added to every wait that is not 0."""
    execute = []
    for fields in program.decoded():
        if fields["wait"]:
            fields["wait"] += change
        execute.append(tuple(encode(EXECUTE_FIELDS, EXECUTE_WORDS, fields)))
    return dataclasses.replace(program, execute=tuple(execute))


def test_a_cycle_less_meets_a_write_and_a_cycle_more_is_predicted(
    small: Architecture,
) -> None:
    """Seed 4's linear layers read bytes in the first cycle in which they can be read."""
    network = random_network(4)
    program = compile(network, small)
    assert any(fields["wait"] for fields in program.decoded())
    x = random_codes(network, 3, 4)
    with pytest.raises(SimulationError, match="a byte is read as it is written"):
        verify(with_waits(program, -1), x)
    assert verify(program, x).equal
    assert verify(with_waits(program, 1), x).equal
