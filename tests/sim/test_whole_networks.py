"""Random networks on the RTL: every layer's every bit, every instruction's every cycle."""

import dataclasses

import pytest
from tests.support.networks import random_codes, random_network

from bitwright.compiler import CompileError, compile, predict
from bitwright.isa import Architecture
from bitwright.isa.architecture import ROUNDINGS
from bitwright.sim import verify


def assert_exact(seed: int, architecture: Architecture) -> None:
    network = random_network(seed)
    program = compile(network, architecture)
    found = verify(program, random_codes(network, 3, seed))
    assert found.divergence is None, found.divergence and found.divergence.describe()
    assert found.cycle_errors == ()
    assert found.machine_error is None
    assert found.cycles_rtl == found.cycles_model


@pytest.mark.parametrize("seed", range(12))
def test_random_network_is_exact_in_bits_and_cycles(seed: int, small: Architecture) -> None:
    assert_exact(seed, small)


@pytest.mark.parametrize("seed", [1, 3, 4, 5, 8, 10])
def test_streamed_weights_are_exact_and_their_stalls_predicted(
    seed: int, small: Architecture
) -> None:
    narrow = dataclasses.replace(small, weight_words=1024, parameter_records=32)
    network = random_network(seed)
    program = compile(network, narrow)
    assert program.prologue_count == 0 or len(program.body) == 0
    assert_exact(seed, narrow)


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (4, 8), (8, 4)], ids=lambda n: str(n))
@pytest.mark.parametrize("seed", range(100, 140))
def test_random_network_is_exact_on_other_shapes(seed: int, rows: int, columns: int) -> None:
    assert_exact(seed, Architecture(rows=rows, columns=columns, roundings=ROUNDINGS))


def test_network_that_does_not_fit_is_refused_with_what_it_needs(small: Architecture) -> None:
    tiny = dataclasses.replace(small, activation_words=64)
    network = random_network(1)
    with pytest.raises(CompileError, match=r"layer '.*': (its \d+ bytes do not fit|no room)"):
        compile(network, tiny)


def test_prediction_scales_with_images(small: Architecture) -> None:
    program = compile(random_network(5), small)
    one, two = predict(program, 1), predict(program, 2)
    assert two.macs == 2 * one.macs
    assert one.total < two.total <= 2 * one.total
