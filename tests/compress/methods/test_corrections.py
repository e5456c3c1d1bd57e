"""Bias and weight correction, equalization: worked cases, and what each is to make better."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.compress.methods.cases import context, output_error, quantized
from tests.compress.recipe.networks import digits, graph
from torch import nn

from bitwright.compress.lockstep import lockstep
from bitwright.compress.methods.bias_correction import BiasCorrection, mean_shift
from bitwright.compress.methods.equalization import (
    Equalize,
    by_input,
    equalized,
    pairs,
    scale_input,
    scale_output,
)
from bitwright.compress.methods.rounding import Quantize, fit_grid
from bitwright.compress.methods.weight_correction import WeightCorrection, corrected, moments
from bitwright.compress.recipe import Recipe, RecipeError
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.step import Context
from bitwright.importers import import_program
from bitwright.importers.execute import run
from bitwright.importers.graph import Linear


def test_bias_takes_the_mean_back_by_hand():
    layer = Linear(
        name="l", inputs=("x",), shape=(2,), weight=np.array([[1.0], [2.0]]), bias=np.zeros(2)
    )
    x, target = torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0, 4.0], [4.0, 6.0]])
    # Means of the output are 2 and 4, those wanted 3 and 5.
    assert mean_shift(layer, [x], target).tolist() == [1.0, 1.0]


def test_after_bias_correction_means_are_equal():
    state = BiasCorrection(images=200).apply(quantized(), context())
    shifts = []

    def look(layer, inputs, target):
        shifts.append(np.abs(mean_shift(layer, inputs, target)).max())
        return layer

    lockstep(state, context().samples(200), look)
    assert max(shifts) < 1e-5
    assert output_error(state) < output_error(quantized())


def test_moments_are_restored_up_to_a_fraction_of_a_step():
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(4, 30)) + 0.3
    grid = fit_grid(weight, "int3")
    index = grid.index(weight)
    u, zeta = moments(weight, grid.values(index))
    better, held = corrected(grid, u, zeta)
    after = better.values(index)
    assert np.allclose(after, zeta[:, None] * (grid.values(index) + held[:, None]))
    # Levels -3..3 leave room for a factor of 36 at least: u is right to a 72nd of a step.
    factor = int(better.levels[-1]) // 3
    assert factor >= 36
    assert better.levels.tolist() == (factor * grid.levels).tolist()
    assert (np.abs(held - u) <= grid.scale / factor / 2 + 1e-12).all()
    assert np.linalg.norm(after - after.mean(1, keepdims=True), axis=1) == pytest.approx(
        np.linalg.norm(weight - weight.mean(1, keepdims=True), axis=1)
    )
    assert np.abs(better.codes(index)).max() <= 127


def test_a_flat_channel_keeps_its_spread():
    weight = np.full((1, 4), 0.5)
    u, zeta = moments(weight, np.zeros((1, 4)))
    assert (u.tolist(), zeta.tolist()) == ([0.5], [1.0])


def test_weight_correction_makes_the_answers_better_and_compiles():
    state = quantized("int2")
    after = WeightCorrection().apply(state, context())
    assert output_error(after) < output_error(state)
    codes = after.lower()["conv2"].weight
    assert all(len(np.unique(channel)) <= 3 for channel in codes)


def test_equalized_pair_by_hand():
    first = Linear(name="a", inputs=("x",), shape=(2,), weight=np.diag([8.0, 1.0]), bias=np.ones(2))
    second = Linear(
        name="b", inputs=("a",), shape=(1,), weight=np.array([[0.5, 4.0]]), bias=np.zeros(1)
    )
    one, two = equalized(first, second)
    # s = sqrt(8 / 0.5) = 4 and sqrt(1 / 4) = 0.5: both ranges become sqrt(r1 r2).
    assert one.weight.tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert one.bias.tolist() == [0.25, 2.0]
    assert two.weight.tolist() == [[2.0, 2.0]]


def grouped():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, groups=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32, 5), nn.ReLU6(), nn.Linear(5, 3),
    )  # fmt: skip


def test_pairs_stop_at_what_does_not_commute():
    found = import_program(grouped(), torch.zeros(2, 1, 8, 8))
    names = list(layers(found))
    # A ReLU6 lies between the last two.
    assert pairs(found) == [(names[0], names[1]), (names[1], names[2])]
    assert pairs(graph()) == [("conv1", "conv2"), ("conv2", "fc")]


def test_equalization_does_not_change_the_function():
    for found in (import_program(grouped(), torch.zeros(2, 1, 8, 8)), graph()):
        state = Equalize().apply(State.start(found), Context(dataset=digits()))
        x = torch.rand(9, 1, 8, 8)
        assert torch.allclose(run(found, x), run(state.graph, x), atol=1e-4)
        first, second = pairs(found)[-1]
        r1 = np.abs(layers(state.graph)[first].weight).reshape(len(found[first].weight), -1).max(1)
        r2 = np.abs(by_input(layers(state.graph)[second], len(r1))).max(axis=(0, 2))
        assert np.allclose(r1, r2, rtol=1e-2)


def test_grouped_channels_are_scaled_where_they_are_read():
    conv = import_program(grouped(), torch.zeros(2, 1, 8, 8)).nodes[2]
    factor = np.arange(1.0, 7.0)
    ratio = scale_input(conv, factor).weight / conv.weight
    assert ratio[:4, :, 0, 0].tolist() == [[1.0, 2.0, 3.0]] * 4
    assert ratio[4:, :, 0, 0].tolist() == [[4.0, 5.0, 6.0]] * 4
    assert by_input(replace(conv, weight=ratio), 6)[:, 4].tolist() == [[5.0] * 9] * 4
    assert scale_output(conv, np.full(8, 2.0)).bias.tolist() == (2 * conv.bias).tolist()


def test_one_scale_per_tensor_gains_from_equalization():
    """conv1's batch norm leaves channels of very different size."""
    wide = layers(graph())["conv1"]
    factor = np.geomspace(1, 30, 8)
    nodes = tuple(
        scale_output(wide, 1 / factor) if node.name == "conv1"
        else scale_input(node, factor) if node.name == "conv2" else node
        for node in graph().nodes
    )  # fmt: skip
    start = State.start(replace(graph(), nodes=nodes))
    step = Quantize(format="int4", granularity="tensor")
    plain = output_error(step.apply(start, context()))
    assert output_error(step.apply(Equalize().apply(start, context()), context())) < plain / 4


def test_orders_that_make_no_sense_are_named():
    from bitwright.compress.recipe import Calibrate

    with pytest.raises(RecipeError, match="step 1 'bias_correction': needs quantized weights"):
        Recipe(steps=(BiasCorrection(),))
    with pytest.raises(
        RecipeError, match=r"step 2 'equalize': changes the activations.*before step 1 'calibrate'"
    ):
        Recipe(steps=(Calibrate(), Equalize(), Quantize()))
