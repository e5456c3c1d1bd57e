"""AdaRound and GPTQ: worked cases, and both beat plain rounding."""

import numpy as np
import pytest
import torch
from tests.compress.methods.cases import context, on_grid, output_error, quantized

from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels
from bitwright.compress.methods.adaround import (
    AdaRound,
    exponent,
    rectified_sigmoid,
    regulariser,
)
from bitwright.compress.methods.gptq import Gptq, feed_back, rows
from bitwright.compress.simulation import layers
from bitwright.importers.execute import run_node
from bitwright.importers.graph import Conv2d, Linear

UNIT = Grid(format="int4", levels=levels("int4"), scale=np.ones(1), offset=np.zeros(1, np.int64))


def test_soft_rounding_reaches_both_ends():
    h = rectified_sigmoid(torch.tensor([-9.0, 0.0, 9.0]))
    assert h.tolist() == [0.0, pytest.approx(0.5), 1.0]
    assert regulariser(h, 2.0).item() == pytest.approx(1.0)
    assert regulariser(torch.tensor([0.0, 1.0]), 20.0).item() == 0.0
    assert (exponent(0.0), exponent(1.0)) == (20.0, 2.0)


def test_adaround_rounds_against_the_nearest_where_the_output_wants_it():
    """Three weights of 0.4 on equal inputs: together 1.2, so one of them must go up."""
    layer = Linear(
        name="l", inputs=("x",), shape=(1,), weight=np.full((1, 3), 0.4), bias=np.zeros(1)
    )
    x = torch.rand(64, 1, generator=torch.Generator().manual_seed(0)).expand(64, 3) + 0.5
    target = run_node(layer, [x])
    generator = torch.Generator().manual_seed(0)
    # Equal weights have equal gradients: which one goes up must be decided beforehand.
    uneven = np.array([[0.44, 0.4, 0.36]])
    found = AdaRound(iterations=2000).choose(layer, uneven, UNIT, [x], target, generator)
    assert found.tolist() == [[1.0, 0.0, 0.0]]
    assert UNIT.round(uneven).tolist() == [[0.0, 0.0, 0.0]]


def test_gptq_by_hand():
    """Inputs of correlation 0.9: the error of the first weight goes into the second."""
    hessian = np.array([[1.01, 0.9], [0.9, 1.0]])
    weight = np.array([[0.4, 0.4]])
    found = feed_back(weight, hessian, UNIT, damping=1e-9)
    # The first becomes 0; the second, 0.4 + 0.4 x 0.9, becomes 1.
    assert found.tolist() == [[0.0, 1.0]]


def test_gptq_without_correlation_is_plain_rounding():
    weight = np.random.default_rng(0).normal(size=(1, 20)) * 3
    assert np.array_equal(feed_back(weight, np.eye(20), UNIT, 0.01), UNIT.round(weight))


def test_gptq_bears_inputs_that_are_always_zero():
    hessian = np.diag([0.0, 1.0, 0.0])
    assert feed_back(np.array([[0.6, 0.4, 9.0]]), hessian, UNIT, 0.01).tolist() == [[1, 0, 7]]


@pytest.mark.parametrize("groups", [1, 2])
def test_rows_are_what_a_convolution_multiplies(groups):
    rng = np.random.default_rng(1)
    conv = Conv2d(
        name="c",
        inputs=("x",),
        shape=(4, 3, 4),
        weight=rng.normal(size=(4, 4 // groups, 3, 2)),
        bias=np.zeros(4),
        stride=(2, 1),
        padding=(1, 0, 2, 1),
        dilation=(1, 2),
        groups=groups,
    )
    x = torch.from_numpy(rng.normal(size=(2, 4, 5, 5)))
    wanted = run_node(conv, [x])
    for group in range(groups):
        own = conv.weight.reshape(groups, 4 // groups, -1)[group]
        found = rows(conv, x, group) @ torch.from_numpy(own).T  # (N positions, O)
        part = wanted[:, group * 4 // groups : (group + 1) * 4 // groups]
        assert torch.allclose(found, part.permute(0, 2, 3, 1).reshape(found.shape))


@pytest.mark.parametrize(
    "step", [AdaRound(iterations=300, images=300), Gptq(images=300)], ids=["adaround", "gptq"]
)
@pytest.mark.parametrize("fmt", ["int3", "pow3"])
def test_answers_are_nearer_than_by_plain_rounding(step, fmt):
    plain = quantized(fmt)
    better = step.apply(plain, context())
    assert on_grid(better)
    assert output_error(better) < 0.75 * output_error(plain)


def test_adaround_never_leaves_the_neighbours():
    plain = quantized()
    better = AdaRound(iterations=50, images=100).apply(plain, context())
    for name, layer in layers(better.graph).items():
        distance = np.abs(layer.weight - layers(better.original)[name].weight)
        scale = plain.grids[name].scale.reshape(-1, *[1] * (layer.weight.ndim - 1))
        assert (distance <= scale * (1 + 1e-9)).all()


def test_layers_not_named_stay():
    plain = quantized()
    better = AdaRound(iterations=100, images=100, layers=("conv2",)).apply(plain, context())
    changed = [
        name
        for name, layer in layers(better.graph).items()
        if (layer.weight != layers(plain.graph)[name].weight).any()
    ]
    assert changed == ["conv2"]
