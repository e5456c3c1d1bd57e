"""What the memory picture shows agrees with what a memory can hold."""

from itertools import combinations

import pytest
from tests.support.machines import SMALL
from tests.support.networks import random_network

from bitwright.compiler import Program, compile
from bitwright.report.tenants import Step, Tenant, owners, tenants


def overlap(a: Tenant, b: Tenant) -> bool:
    return (
        a.bank == b.bank
        and a.base < b.base + b.size
        and b.base < a.base + a.size
        and a.begin <= b.end
        and b.begin <= a.end
    )


def placed(seed: int) -> tuple[Tenant, ...]:
    program = compile(random_network(seed), SMALL)
    # Instructions of different lengths, one after the other.
    steps = [Step(begin=10 * n, end=10 * n + 1 + n % 7) for n in range(len(program.execute))]
    return tenants(program, steps)


@pytest.mark.parametrize("seed", range(20))
def test_no_two_tensors_are_at_one_place_at_one_time(seed: int) -> None:
    found = placed(seed)
    assert len(found) > 1
    for a, b in combinations(found, 2):
        assert not overlap(a, b), (a, b)
    for tenant in found:
        assert tenant.begin < tenant.end
        assert tenant.base >= 0
        assert tenant.base + tenant.size <= SMALL.bank_bytes


def lives(seed: int) -> tuple[Program, dict[str, tuple[int, int]]]:
    """A program, and the first and last instruction of each tensor's life."""
    program = compile(random_network(seed), SMALL)
    steps = [Step(begin=n, end=n) for n in range(len(program.execute))]
    found = {tenant.name: (tenant.begin, tenant.end) for tenant in tenants(program, steps)}
    return program, found


@pytest.mark.parametrize("seed", [1, 8, 14, 21, 26], ids="network {}".format)
def test_tensor_lives_from_its_first_instruction_to_its_last_readers_last(seed: int) -> None:
    program, found = lives(seed)
    plans = {plan.name: plan for plan in program.layers}
    for name, (begin, end) in found.items():
        assert begin == min(plans[name].instructions)
        readers = [layer.name for layer in program.network if name in layer.inputs]
        assert end >= max(max(plans[reader].instructions) for reader in [name, *readers])
        if readers and not {"Flatten", "Concat"} & {
            type(program.network[reader]).__name__ for reader in readers
        }:
            assert end == max(max(plans[reader].instructions) for reader in readers)
    assert found[program.network.output.name][1] == len(program.execute) - 1


def test_flattened_tensor_lives_until_the_vector_is_read() -> None:
    program, found = lives(1)
    plans = {plan.name: plan for plan in program.layers}
    assert found["avgpool2d_7"][1] == max(plans["linear_9"].instructions)
    assert "flatten_8" not in found


@pytest.mark.parametrize(
    ("seed", "concat", "first"),
    [(32, "concat_3", "conv2d_1"), (37, "concat_4", "add_2"), (38, "concat_4", "conv2d_1")],
    ids=["two branches", "an addition", "a concatenation of a concatenation"],
)
def test_concatenation_lives_from_its_first_part(seed: int, concat: str, first: str) -> None:
    program, found = lives(seed)
    plans = {plan.name: plan for plan in program.layers}
    assert found[concat][0] == min(plans[first].instructions)
    # What is written into it in place is not drawn beside it.
    assert first not in found


def test_every_instruction_but_copies_and_the_output_has_an_owner() -> None:
    program = compile(random_network(1), SMALL)
    found = owners(program)
    assert found[0] == "input"
    assert found[-1] is None
    assert None not in found[:-1]
