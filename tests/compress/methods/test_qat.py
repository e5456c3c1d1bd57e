"""Training with the rounding in the loop: gradients, folding, stages, and integers at the end."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.compress.methods.cases import context, on_grid, quantized
from tests.compress.recipe.networks import digits

from bitwright.arith import parse
from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels, step
from bitwright.compress.methods.folded_norm import FoldedNorm, statistics
from bitwright.compress.methods.qat import Qat
from bitwright.compress.methods.rounding import fit_grid, round_weights
from bitwright.compress.methods.scaled import Scaled, ScaledActivation, ScaledWeight, Scales
from bitwright.compress.methods.trainable import Trainable, plain_outputs
from bitwright.compress.recipe import BiasCorrection, Calibrate, Quantize, Recipe, RecipeError
from bitwright.compress.recipe.run import accuracy
from bitwright.compress.simulation import layers
from bitwright.compress.storage import stored
from bitwright.network import Quantization

FORMATS = ["int2", "int4", "uint3", "pow3", "e2m1", "ternary", "binary"]


def test_gradient_of_the_scale_is_that_of_lsq():
    """Esser et al., equation 3, times the scale: the parameter is its logarithm."""
    module = Scaled("int3", 0.5, learned=True)
    x = torch.tensor([0.3, -0.9, 5.0, -5.0])  # in steps 0.6, -1.8, and saturated
    module(x).sum().backward()
    wanted = 0.5 * ((1 - 0.6) + (-2 + 1.8) + 3 - 3)
    assert module.logarithm.grad.item() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("scales", list(Scales))
def test_weights_leave_training_on_their_grid(fmt, scales):
    weight = np.random.default_rng(0).normal(size=(3, 20)) / 4
    grid = fit_grid(weight, fmt)
    module = ScaledWeight(grid, scales)
    x = torch.from_numpy(weight).float()
    seen = module(x).detach().double().numpy()
    values, found = module.on_grid(x)
    assert np.allclose(values, seen, rtol=1e-5, atol=1e-7)
    assert np.array_equal(found.round(values), values)
    assert np.array_equal(found.levels, levels(fmt))


@pytest.mark.parametrize("fmt", ["int4", "binary", "ternary"])
def test_observed_scales_are_those_of_the_format(fmt):
    weight = np.random.default_rng(0).normal(size=(3, 20))
    module = ScaledWeight(fit_grid(weight, fmt), Scales.OBSERVED)
    moved = 3 * weight
    module(torch.from_numpy(moved).float())
    _, grid = module.on_grid(torch.from_numpy(moved).float())
    assert grid.scale == pytest.approx(fit_grid(moved, fmt).scale, rel=1e-5)


def test_activation_is_that_of_the_codes():
    quantization = Quantization(scale=0.25, zero_point=-3, bits=3)
    module = ScaledActivation(quantization, learned=True)
    assert module.quantization() == replace(quantization, scale=pytest.approx(0.25))
    # Codes -4 .. 3 with zero point -3: values -0.25 .. 1.5.
    assert module(torch.tensor([-9.0, 0.3, 9.0])).tolist() == pytest.approx([-0.25, 0.25, 1.5])


def test_folded_norm_changes_nothing_at_first():
    torch.manual_seed(0)
    y = torch.randn(64, 3, 4, 4) * torch.tensor([1.0, 5.0, 0.1])[:, None, None] + 2
    norm = FoldedNorm(y, torch.tensor([1.0, 2.0, 3.0]))
    assert torch.allclose(norm.fold(torch.ones(3, 1)), torch.ones(3, 1), atol=1e-3)
    assert torch.allclose(norm.bias(), torch.tensor([1.0, 2.0, 3.0]), atol=1e-2)


def test_folded_norm_normalises_the_batch_and_learns_its_statistics():
    torch.manual_seed(0)
    norm = FoldedNorm(torch.randn(64, 2), torch.zeros(2))
    y = 3 * torch.randn(200, 2) + 1
    factor, bias = norm.adjustment(y)
    folded = y * norm.factor() * 1.0
    mean, variance = statistics(folded * factor + bias)
    assert torch.allclose(mean, norm.beta, atol=1e-3)
    assert torch.allclose(variance, norm.gamma**2, rtol=0.3)
    before = norm.variance.clone()
    norm.freeze()
    factor, bias = norm.adjustment(y)
    assert factor.tolist() == [1.0, 1.0]
    assert torch.equal(norm.variance, before)
    assert torch.equal(bias, norm.bias())


def test_module_starts_as_the_state_and_gives_it_back():
    state = quantized("int4")
    model = Trainable(state, Scales.LEARNED, {}).eval()
    x = context().samples(50)
    # Within a step of the output: a scale's exponential is a float away from the scale.
    assert torch.allclose(model(x), state.simulated()(x), atol=0.05)
    back = model.state()
    for name, layer in layers(back.graph).items():
        assert np.allclose(layer.weight, layers(state.graph)[name].weight, rtol=1e-4, atol=1e-7)
    assert on_grid(back)


def test_rebuilt_batch_norm_starts_as_the_state():
    state = quantized("int8")
    x = context().samples(200)
    outputs = plain_outputs(state, x, ["conv1", "conv2"])
    model = Trainable(state, Scales.FIXED, outputs).eval()
    assert torch.allclose(model(x), state.simulated()(x), atol=0.3)


@pytest.mark.parametrize("fmt", ["int2", "ternary", "binary", "pow3"])
def test_training_brings_the_accuracy_back(fmt):
    plain = quantized(fmt)
    trained = Qat(epochs=3, learning_rate=3e-3).apply(plain, context())
    assert on_grid(trained)
    assert accuracy(trained, digits().test) > accuracy(plain, digits().test) + 0.03
    network = trained.lower()
    for name in ("conv1", "conv2", "fc"):
        assert len(np.unique(network[name].weight)) <= len(levels(fmt))


@pytest.mark.parametrize("scales", list(Scales))
def test_every_kind_of_scale_trains_with_folding(scales):
    plain = quantized("int3", range="mse")
    step = Qat(epochs=2, scales=str(scales), batch_norm=("conv*",), images=600)
    trained = step.apply(plain, context())
    assert accuracy(trained, digits().test) > 0.85
    assert trained.lower().input.output.bits == 8
    moved = trained.activations["conv1"].scale != plain.activations["conv1"].scale
    assert moved == (scales is not Scales.FIXED)


def test_bits_are_lowered_stage_after_stage():
    told = []
    where = replace(context(), progress=told.append)
    step = Qat(formats=("int8", "int4", "int2"), activation_bits=(8, 6, 4), epochs=1, images=300)
    state = step.apply(quantized("int8"), where)
    assert {grid.format for grid in state.grids.values()} == {"int2"}
    bits = {name: q.bits for name, q in state.activations.items()}
    assert bits["x"] == bits["fc"] == 8
    assert bits["conv1"] == bits["conv2"] == 4
    assert [text.split(",")[0] for text in told] == [f"stage {n} of 3" for n in (1, 2, 3)]


@pytest.mark.parametrize("fmt", ["mxfp4_e2m1", "bfp4_b16", "nvfp4", "fp8_e4m3", "fix8.7"])
def test_formats_without_a_grid_train_and_are_stored_as_such(fmt):
    step = Qat(formats=(fmt,), epochs=1, layers=("conv2", "fc"))
    state = step.apply(quantized("int8"), context())
    assert state.encoded == {"conv2": fmt, "fc": fmt}
    assert set(state.grids) == {"conv1"}
    for name in state.encoded:
        weight = layers(state.graph)[name].weight.reshape(len(state.graph[name].bias), -1)
        assert np.array_equal(parse(fmt).quantize(weight.astype(np.float32), -1), weight)
    assert accuracy(state, digits().test) > 0.85
    # The array's int8 codes are within half a step of the format's values.
    network = state.lower()
    codes = network["fc"].weight
    scale = np.abs(layers(state.graph)["fc"].weight).max(axis=1, keepdims=True) / 127
    assert np.abs(codes * scale - layers(state.graph)["fc"].weight).max() <= 0.51 * scale.max()


def test_shared_exponents_are_counted_once_a_block():
    state = Qat(formats=("bfp4_b16",), epochs=1, images=100).apply(quantized("int8"), context())
    part = next(part for part in stored(state) if part.name == "conv2")
    # 16 channels of 72 weights: five blocks each, with an exponent of 8 bits.
    assert (part.format, part.index_bits) == ("bfp4_b16", 4 * 1152)
    assert part.side_bits == 16 * 32 + 16 * 5 * 8


def test_equal_seeds_train_equal_networks():
    step = Qat(epochs=1, images=200)
    one, two = (step.apply(quantized("int3"), context(seed=4)).lower() for _ in range(2))
    other = step.apply(quantized("int3"), context(seed=5)).lower()
    assert one == two
    assert one != other


def test_what_is_refused():
    with pytest.raises(ValueError, match="scales must be one of learned, fixed, observed"):
        Qat(scales="lsq")
    with pytest.raises(ValueError, match="as many stages, not 2 and 1"):
        Qat(formats=("int8", "int4"), activation_bits=(8,))
    with pytest.raises(ValueError, match="int99"):
        Qat(formats=("int99",))
    with pytest.raises(RecipeError, match=r"'bias_correction': fits the float network, and trai"):
        Recipe(steps=(Calibrate(), Quantize(), Qat(), BiasCorrection()))
    with pytest.raises(RecipeError, match="step 1 'qat': needs quantized weights"):
        Recipe(steps=(Qat(), Calibrate()))


def test_ternary_rounds_as_arith_does():
    weight = np.random.default_rng(3).normal(size=(4, 30))
    grid = fit_grid(weight, "ternary")
    module = ScaledWeight(grid, Scales.FIXED)
    assert np.allclose(
        module.on_grid(torch.from_numpy(weight).float())[0], round_weights(weight, grid)
    )


def test_step_of_a_format_is_the_value_of_one():
    assert [step(name) for name in ("int4", "binary", "pow3", "e2m1")] == [1.0, 1.0, 0.25, 0.5]
    one = Grid(format="pow3", levels=levels("pow3"), scale=np.ones(1), offset=np.zeros(1, np.int64))
    assert one.values(np.arange(7)[None]).tolist() == [[-4, -2, -1, 0, 1, 2, 4]]
