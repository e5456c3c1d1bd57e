"""The cost model: that it finds planted costs, and what is shipped of it."""

import random
from dataclasses import asdict, replace

import pytest

from bitwright.isa import Architecture
from bitwright.synth import Resources
from bitwright.synth.cost import (
    FEATURES,
    USED,
    CostModel,
    count_multipliers,
    fit,
    shipped_model,
)
from bitwright.synth.memories import MemoryShape, count_blocks, memory_shapes

RUNS = 40
BASE = Architecture(rows=4, columns=4, activation_words=512, weight_words=512)


def architectures(count: int) -> list[Architecture]:
    rng = random.Random(5)
    return [
        replace(
            BASE,
            name=str(n),
            rows=rng.choice((2, 4, 8)),
            columns=rng.choice((4, 8, 16)),
            accumulator_bits=rng.randint(16, 32),
            multiplier_bits=rng.randint(8, 31),
            residual_bits=rng.choice((0, rng.randint(8, 31))),
            pe_multiplier=rng.choice(("twin", "dsp", "lut")),
            lane_multiplier=rng.choice(("dsp", "lut")),
            line_words=rng.choice((0, 64)),
            roundings=("half_up", "floor", "trunc")[: rng.randint(1, 3)],
            activation_words=1 << rng.randint(6, 13),
            execute_instructions=1 << rng.randint(4, 9),
        )
        for n in range(count)
    ]


def planted(noise: float) -> tuple[dict[str, tuple[Architecture, Resources]], CostModel]:
    """Runs of a machine whose features have known costs, some of them nothing."""
    rng = random.Random(6)
    costs = {
        resource: {name: rng.choice((0.0, rng.uniform(1, 40))) for name in USED[resource]}
        for resource in USED
    }

    def counts(a: Architecture) -> Resources:
        found = {
            resource: round(
                sum(cost * FEATURES[name](a) for name, cost in parts.items())
                * (1 + noise * rng.uniform(-1, 1))
            )
            for resource, parts in costs.items()
        }
        return Resources(**found, dsps=count_multipliers(a), brams=count_blocks(a))

    runs = {a.name: (a, counts(a)) for a in architectures(RUNS)}
    return runs, fit(runs, "yosys 1")


def test_planted_costs_are_predicted_for_architectures_never_seen() -> None:
    runs, model = planted(noise=0)
    for architecture, counts in runs.values():
        found = asdict(model.estimate(architecture).resources)
        for name, count in asdict(counts).items():
            assert found[name] == pytest.approx(count, rel=0.002, abs=2), name
    # Each was predicted from the others.
    assert max(model.error.values()) < 0.01


def test_no_cost_is_negative_and_the_interval_covers_the_runs() -> None:
    runs, model = planted(noise=0.05)
    assert all(cost >= 0 for parts in model.coefficients.values() for cost in parts.values())
    assert model.error["luts"] > 0.02
    for architecture, counts in runs.values():
        found = model.estimate(architecture)
        assert found.beyond == ()
        assert found.low is not None
        assert found.high is not None
        assert found.low.luts <= counts.luts <= found.high.luts


def test_estimate_beyond_the_runs_is_named_so_and_has_no_interval() -> None:
    _, model = planted(noise=0)
    found = model.estimate(replace(BASE, rows=32))
    assert "rows" in found.beyond
    assert found.low is found.high is None


def test_model_survives_json() -> None:
    _, model = planted(noise=0.05)
    assert CostModel.from_json(model.to_json()) == model


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [
        *((512, 32, 1), (512, 36, 1), (1024, 32, 2), (2048, 8, 1)),
        *((4096, 8, 2), (8192, 64, 32), (32768, 8, 16), (64, 128, 4), (2176, 32, 5)),
    ],
)
def test_blocks_are_those_that_cost_least(depth: int, width: int, blocks: int) -> None:
    shape = MemoryShape(name="m", count=1, depth=depth, width=width, used=((0, width),))
    assert shape.blocks == blocks


def test_bits_that_nothing_reads_take_no_block() -> None:
    shapes = {shape.name: shape for shape in memory_shapes(replace(BASE, residual_bits=0))}
    assert shapes["parameters"].blocks == 5  # of 18 bits: 0..17, 18..35, 36..53, 54..71, 90..107


def test_shipped_multipliers_and_block_rams_are_those_of_yosys_and_other_counts_are_near() -> None:
    model = shipped_model()
    for run in model.runs:
        a = Architecture.from_mapping(run["architecture"], run["name"])
        assert count_blocks(a) == run["yosys"]["brams"], run["name"]
        assert count_multipliers(a) == run["yosys"]["dsps"], run["name"]
        for name, count in asdict(model.estimate(a).resources).items():
            assert count == pytest.approx(run["yosys"][name], rel=0.1), (run["name"], name)
