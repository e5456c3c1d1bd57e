"""Recipes carried out: figures, checkpoints, and runs that were cut short."""

from functools import cache

import numpy as np
import pytest
from tests.compress.recipe.networks import digits, graph

from bitwright.compress import evaluate
from bitwright.compress.recipe import (
    AdaRound,
    Calibrate,
    Huffman,
    Qat,
    Quantize,
    Recipe,
    RecipeError,
    run_recipe,
)
from bitwright.compress.recipe import run as module

RECIPE = Recipe(steps=(Calibrate(), Quantize(format="int4")))


@cache
def uninterrupted():
    return run_recipe(TRAINED, graph(), digits())


def told(record):
    """All but the time it took."""
    return {key: value for key, value in record.items() if key != "seconds"}


class KilledError(Exception):
    pass


def test_records_tell_what_each_step_changed():
    outcome = run_recipe(RECIPE, graph(), digits(), cycles=lambda network: 77)
    before, calibrated, quantized, integers = outcome.records
    weights, biases = 72 + 1152 + 640, 8 + 16 + 10
    assert before["bits"] == 32 * (weights + biases)
    assert quantized["bits"] == 4 * weights + 2 * 32 * biases
    assert (before["cycles"], calibrated["cycles"]) == (None, 77)
    assert integers["accuracy"] == evaluate(outcome.network, digits().test)
    assert quantized["compression"] == before["bits"] / quantized["bits"]


def test_weights_are_codes_of_the_format():
    network = run_recipe(RECIPE, graph(), digits()).network
    for name in ("conv1", "conv2", "fc"):
        codes = network[name].weight
        assert network[name].weight_bits == 4
        assert np.abs(codes).reshape(len(codes), -1).max(axis=1).tolist() == [7] * len(codes)


TRAINED = Recipe(
    steps=(
        *RECIPE.steps,
        AdaRound(iterations=20, images=100),
        Qat(epochs=1, images=200, formats=("ternary", "bfp4_b16"), layers=("conv*",)),
        Huffman(),
    )
)


@pytest.mark.parametrize("survives", range(len(TRAINED.steps)))
def test_a_run_cut_short_ends_as_one_that_was_not(tmp_path, monkeypatch, survives):
    whole = uninterrupted()
    save, left = module.checkpoint.save, [survives]

    def saves_so_many(*arguments):
        if not left[0]:
            raise KilledError
        left[0] -= 1
        save(*arguments)

    monkeypatch.setattr(module.checkpoint, "save", saves_so_many)
    with pytest.raises(KilledError):
        run_recipe(TRAINED, graph(), digits(), folder=tmp_path)
    monkeypatch.undo()
    resumed = run_recipe(TRAINED, graph(), digits(), folder=tmp_path)
    assert resumed.resumed == survives
    assert resumed.network.to_bytes() == whole.network.to_bytes()
    assert [told(record) for record in resumed.records] == [told(r) for r in whole.records]
    again = run_recipe(TRAINED, graph(), digits(), folder=tmp_path)
    assert again.resumed == len(TRAINED.steps)
    assert again.network.to_bytes() == whole.network.to_bytes()


@pytest.mark.parametrize(
    "other",
    [
        Recipe(steps=RECIPE.steps, seed=1),
        Recipe(steps=(Calibrate(bits=7), RECIPE.steps[1])),
        Recipe(steps=RECIPE.steps, test_images=10),
    ],
    ids=["seed", "step", "images"],
)
def test_checkpoints_of_another_recipe_are_not_taken_up(tmp_path, other):
    run_recipe(RECIPE, graph(), digits(), folder=tmp_path)
    assert run_recipe(other, graph(), digits(), folder=tmp_path).resumed == 0


def test_checkpoints_hold_the_cycles_of_one_machine(tmp_path):
    for machine, cost, resumed in (("a", 5, 0), ("a", 5, 2), ("b", 7, 0)):
        outcome = run_recipe(
            RECIPE,
            graph(),
            digits(),
            folder=tmp_path,
            cycles=lambda network, cost=cost: cost,
            machine=machine,
        )
        assert (outcome.resumed, outcome.records[2]["cycles"]) == (resumed, cost)


def test_a_damaged_checkpoint_is_run_again(tmp_path):
    run_recipe(RECIPE, graph(), digits(), folder=tmp_path)
    last = max(tmp_path.iterdir())
    last.write_bytes(last.read_bytes()[:-9])
    assert run_recipe(RECIPE, graph(), digits(), folder=tmp_path).resumed == 1


def test_layers_that_do_not_exist_are_named_with_the_nearest():
    recipe = Recipe(steps=(Calibrate(), Quantize(layers=("cnv*",))))
    message = (
        "step 2 'quantize': 'cnv.*' matches no layer of conv1, conv2, fc; nearest: conv2, conv1"
    )
    with pytest.raises(RecipeError, match=message):
        run_recipe(recipe, graph(), digits())
    recipe = Recipe(steps=(Calibrate(tensor_bits={"poool*": 4}), Quantize()))
    with pytest.raises(RecipeError, match=r"'poool.*' matches no layer of .*nearest: .*pool"):
        run_recipe(recipe, graph(), digits())
