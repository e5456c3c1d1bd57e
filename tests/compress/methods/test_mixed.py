"""Sensitivity and the plan made of it."""

import numpy as np
import pytest
import torch
from tests.compress.methods.cases import context, output_error
from tests.compress.recipe.networks import graph

from bitwright.compress.methods.mixed import Mixed, divergence, mean_bits, plan
from bitwright.compress.recipe import Calibrate, Quantize, Recipe, RecipeError
from bitwright.compress.simulation import layers
from bitwright.compress.state import State

FORMATS = ("int8", "int4", "int2")


def test_plan_by_hand():
    """Per bit saved: a 0.1 / 40, b 0.4 / 400, c 9 / 40: b goes first, then a."""
    harm = {
        "a": {"int8": 0.0, "int4": 0.1, "int2": 5.0},
        "b": {"int8": 0.0, "int4": 0.4, "int2": 90.0},
        "c": {"int8": 0.0, "int4": 9.0, "int2": 99.0},
    }
    sizes = {"a": 10, "b": 100, "c": 10}
    assert plan(harm, sizes, FORMATS, 5.0) == {"a": "int8", "b": "int4", "c": "int8"}
    assert plan(harm, sizes, FORMATS, 4.4) == {"a": "int4", "b": "int4", "c": "int8"}
    assert set(plan(harm, sizes, FORMATS, 2.0).values()) == {"int2"}
    assert set(plan(harm, sizes, FORMATS, 8.0).values()) == {"int8"}


def test_plan_gives_back_what_was_saved_too_much():
    """b is cheapest twice, then a must go too; 420 of 462 bits leave room for b in 4."""
    harm = {
        "a": {"int8": 0.0, "int4": 50.0, "int2": 99.0},
        "b": {"int8": 0.0, "int4": 0.01, "int2": 0.02},
    }
    assert plan(harm, {"a": 100, "b": 10}, FORMATS, 4.2) == {"a": "int4", "b": "int4"}
    # With room for one of two it goes to the one that gains more.
    harm["c"] = {"int8": 0.0, "int4": 0.03, "int2": 2.0}
    found = plan(harm, {"a": 100, "b": 10, "c": 10}, FORMATS, 3.85)
    assert found == {"a": "int4", "b": "int2", "c": "int4"}


def test_divergence_of_equal_answers_is_none():
    answers = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert divergence(answers, answers) == 0
    assert divergence(answers, answers + 7) == pytest.approx(0, abs=1e-6)
    p, q = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, np.log(3.0)]])
    # Halves against a quarter and three quarters.
    assert divergence(p, q) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))


def test_plan_keeps_the_budget_and_beats_one_format_for_all():
    start = Calibrate(images=200).apply(State.start(graph()), context())
    planned = Mixed(budget=3.1, images=100).apply(start, context())
    sizes = {name: layer.weight.size for name, layer in layers(graph()).items()}
    assert mean_bits(planned.formats, sizes) <= 3.1
    assert planned.findings["sensitivity"]["bits"] == mean_bits(planned.formats, sizes)
    harm = planned.findings["sensitivity"]["harm"]["conv2"]
    assert harm["int8"] < harm["int4"] < harm["int2"]
    mixed = Quantize(format="planned", range="mse").apply(planned, context())
    assert {name: grid.format for name, grid in mixed.grids.items()} == planned.formats
    uniform = Quantize(format="int3", range="mse").apply(start, context())
    assert output_error(mixed) < output_error(uniform)


def test_formats_by_hand():
    step = Quantize(format="int4", layers=("conv*",), formats={"conv2": "ternary", "fc": "pow4"})
    state = step.apply(State.start(graph()), context())
    found = {name: grid.format for name, grid in state.grids.items()}
    assert found == {"conv1": "int4", "conv2": "ternary", "fc": "pow4"}


def test_a_plan_that_nobody_made_is_refused():
    with pytest.raises(RecipeError, match=r"'quantize': needs a plan of formats.*put 'mixed'"):
        Recipe(steps=(Calibrate(), Quantize(format="planned")))
    with pytest.raises(ValueError, match="budget must be at least the 2 bits of the narrowest"):
        Mixed(budget=1.5)
