"""Every example recipe, with short settings, ends in a network that the RTL computes to the bit."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from tests.compress.recipe.networks import digits, graph

from bitwright import compiler, sim
from bitwright.compress import encode
from bitwright.compress.recipe import STEPS, load_recipe, run_recipe
from bitwright.isa import Architecture

EXAMPLES = sorted((Path(__file__).parents[3] / "examples/recipes").glob("*.toml"))
SHORT = {"epochs": 1, "iterations": 30, "images": 200}


def shortened(recipe):
    steps = []
    for step in recipe.steps:
        known = {field.name for field in fields(step)}
        few = {key: min(n, getattr(step, key)) for key, n in SHORT.items() if key in known}
        steps.append(replace(step, **few))
    return replace(recipe, steps=tuple(steps))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_verifies_on_the_rtl(path):
    outcome = run_recipe(shortened(load_recipe(path)), graph(), digits())
    bits = any(layer.output.binary for layer in outcome.network)
    program = compiler.compile(outcome.network, Architecture(xnor=bits))
    codes = encode(digits().test.take(2).images, outcome.network.input.output).astype(np.int8)
    found = sim.verify(program, codes)
    assert found.equal, found.divergence
    # What the float simulation sees is what the integers give, but for a code here and there.
    assert outcome.records[-1]["accuracy"] == pytest.approx(
        outcome.records[-2]["accuracy"], abs=0.05
    )
    assert outcome.records[-1]["compression"] > 3.5


def test_every_step_has_an_example():
    shown = {step.name for path in EXAMPLES for step in load_recipe(path).steps}
    assert shown == set(STEPS)
