"""What the memory picture shows agrees with what a memory can hold."""

from itertools import combinations

import pytest
from tests.support.machines import SMALL
from tests.support.networks import random_network

from bitwright.compiler import compile
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


def test_tensor_lives_until_its_last_reader_ends() -> None:
    # input, three convolutions, an addition: the residual branch is read twice.
    program = compile(random_network(1), SMALL)
    steps = [Step(begin=n, end=n) for n in range(len(program.execute))]
    found = {tenant.name: tenant for tenant in tenants(program, steps)}
    for layer, plan in zip(program.network, program.layers, strict=True):
        for source in layer.inputs:
            if source in found and layer.name in found:
                assert found[source].end >= max(plan.instructions)
    assert found[program.network.output.name].end == len(steps) - 1
    assert found["input"].begin == 0


def test_view_is_part_of_what_it_shows() -> None:
    program = compile(random_network(11), SMALL)
    names = {layer.name: type(layer).__name__ for layer in program.network}
    steps = [Step(begin=n, end=n) for n in range(len(program.execute))]
    shown = {tenant.name for tenant in tenants(program, steps)}
    assert "Flatten" not in {names[name] for name in shown}
    # The branch that is written into the concatenation in place is not drawn beside it.
    assert "Concat" in {names[name] for name in shown}
    assert not [name for name in shown if name.startswith("conv2d")]


def test_every_instruction_but_copies_and_the_output_has_an_owner() -> None:
    program = compile(random_network(1), SMALL)
    found = owners(program)
    assert found[0] == "input"
    assert found[-1] is None
    assert None not in found[:-1]
