"""A measurement is a verification's runs, added up."""

import numpy as np
import pytest
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile, predict
from bitwright.isa import Architecture
from bitwright.sim import measure, verify
from bitwright.sim.parallel import piece_sizes
from bitwright.sim.verification import Batch

IMAGES = 19


@pytest.fixture(scope="module")
def program(small: Architecture) -> Program:
    return compile(random_network(1), small)


def test_every_batch_is_handed_out_with_both_sides(program: Program) -> None:
    x = random_codes(program.network, IMAGES)
    seen: list[Batch] = []
    found = verify(program, x, on_batch=seen.append)
    assert [len(batch.run.outputs) for batch in seen] == piece_sizes(IMAGES) == [5, 5, 5, 4]
    assert [batch.first for batch in seen] == [0, 5, 10, 15]
    for batch in seen:
        assert batch.expected.keys() == batch.run.taps.keys()
        assert batch.run.ended > batch.run.began
    assert sum(batch.run.total_cycles for batch in seen) == found.cycles_rtl


def test_figures_of_an_exact_run(program: Program) -> None:
    x = random_codes(program.network, IMAGES)
    measured = measure(program, x)
    reference = program.network.run(x).argmax(axis=1)
    assert measured.found.equal
    assert (measured.answers == reference).all()
    assert measured.cycles == predict(program).instructions
    labels = reference.copy()
    labels[:7] += 1
    figures = measured.to_json(program, labels)
    assert figures["sim_cycles_per_second"] == figures["cycles_rtl"] / measured.seconds
    assert figures["accuracy_rtl"] == 1 - 7 / len(x)
    assert figures["mismatches"] == 0
    assert figures["divergence"] is None
    assert figures["steps"][0]["begin"] == 0
    lengths = [step["end"] - step["begin"] for step in figures["steps"]]
    assert tuple(lengths) == measured.cycles


def test_differing_outputs_are_counted_up_to_the_batch_with_the_first(program: Program) -> None:
    x = random_codes(program.network, IMAGES)
    measured = measure(program, x, inject="sign")
    assert measured.found.images == len(measured.answers) == piece_sizes(IMAGES)[0]
    divergence = measured.found.divergence
    assert divergence is not None
    assert measured.mismatches >= divergence.differing
    assert measured.to_json(program, np.zeros(len(x)))["divergence"] == divergence.to_json()
