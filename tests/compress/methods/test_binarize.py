"""The step `binarize` by itself and in recipes."""

from dataclasses import replace

import pytest
from tests.compress.recipe.networks import digits, graph

from bitwright.compress import Training
from bitwright.compress.methods.binarize import Binarize, train_binary
from bitwright.compress.methods.binary_layers import Latent
from bitwright.compress.methods.binary_twin import binary_twin
from bitwright.compress.recipe import Calibrate, Context, Quantize, Recipe, RecipeError, run_recipe
from bitwright.compress.state import State
from bitwright.compress.storage import stored
from bitwright.network import BinaryConv2d, BinaryLinear, Conv2d, Linear

FEW = {"epochs": 1, "images": 320, "batch_size": 32}


def applied(seed: int = 0, **options: object) -> State:
    step = Binarize(**FEW | options)
    return step.apply(State.start(graph()), Context(dataset=digits(), seed=seed))


def test_layers_are_of_bits() -> None:
    state = applied()
    kinds = [type(layer) for layer in state.lower() if hasattr(layer, "weight")]
    assert kinds == [BinaryConv2d, BinaryConv2d, BinaryLinear]
    assert [(part.format, part.index_bits) for part in stored(state)] == [
        ("binary", 72),
        ("binary", 1152),
        ("binary", 640),
    ]
    # Thresholds of two layers; a multiplier and a bias of the last.
    assert [part.side_bits for part in stored(state)] == [32 * 8, 32 * 16, 64 * 10]


def test_first_and_last_layer_keep_int8() -> None:
    state = applied(int8=("conv1", "fc"))
    kinds = [type(layer) for layer in state.lower() if hasattr(layer, "weight")]
    assert kinds == [Conv2d, BinaryConv2d, Linear]
    assert [part.format for part in stored(state)] == ["int8", "binary", "int8"]


def test_two_bits() -> None:
    state = applied(weights="ternary", activation_bits=2)
    assert [part.format for part in stored(state)] == ["int2", "int2", "int2"]
    assert [layer.output.bits for layer in state.lower()][:-1] == [2] * 6


def test_equal_seeds_give_equal_networks() -> None:
    assert applied(seed=3).lower() == applied(seed=3).lower()
    assert applied(seed=3).lower() != applied(seed=4).lower()


@pytest.mark.parametrize(
    "options",
    [{"teacher": 0.0}, {"temperature": 4.0}, {"first_stage": 1}, {"shift": 1.0}, {"angle": 9.0}],
    ids=lambda options: next(iter(options)),
)
def test_every_option_matters(options: dict[str, float]) -> None:
    assert applied(**options).lower() != applied().lower()


def test_weights_become_bits_in_the_second_stage() -> None:
    model, seen = binary_twin(graph()), []
    few = replace(digits(), train=digits().train.take(64))
    train_binary(
        model,
        few,
        Training(epochs=1, batch_size=32),
        first_stage=2,
        progress=lambda _: seen.append([m.latent for m in model if isinstance(m, Latent)]),
    )
    assert seen == [[True] * 3, [True] * 3, [False] * 3]


def test_a_longer_training_learns_the_digits() -> None:
    recipe = Recipe(steps=(Binarize(epochs=25, activation_bits=2, learning_rate=1e-2),))
    records = run_recipe(recipe, graph(), digits()).records
    assert records[-1]["accuracy"] > 0.85
    assert records[-1]["accuracy"] == records[-2]["accuracy"]
    assert records[-1]["compression"] > 6


def test_checkpoint_holds_the_integers(tmp_path) -> None:
    recipe = Recipe(steps=(Binarize(**FEW),))
    first = run_recipe(recipe, graph(), digits(), folder=tmp_path)
    again = run_recipe(recipe, graph(), digits(), folder=tmp_path)
    assert (first.resumed, again.resumed) == (0, 1)
    assert again.network == first.network


def test_nothing_comes_after() -> None:
    with pytest.raises(RecipeError, match=r"step 1 'binarize' gives the network of integers"):
        Recipe(steps=(Binarize(), Quantize()))


@pytest.mark.parametrize("before", [(Calibrate(),), (Calibrate(), Quantize())])
def test_nothing_is_quantized_before(before: tuple) -> None:
    with pytest.raises(RecipeError, match="trains its own activations"):
        Recipe(steps=(*before, Binarize()))


def test_layers_that_are_not_there() -> None:
    recipe = Recipe(steps=(Binarize(int8=("conv9",)),))
    with pytest.raises(RecipeError, match="'conv9' matches no layer"):
        recipe.check(graph())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"first_stage": -1}, "first_stage must not be negative, not -1"),
        ({"weights": "int4"}, "weights must be binary or ternary, not int4"),
        ({"weights": "ternary"}, "ternary weights need activation_bits of 2 or more, not 1"),
        (
            {"shortcuts": True, "activation_bits": 2},
            "shortcuts pass signs, of activation_bits 1, not 2",
        ),
        ({"activation_bits": 5}, r"activation_bits must lie in 1..4, not 5"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"teacher": 2.0}, r"teacher must lie in 0..1, not 2.0"),
        ({"temperature": 0.0}, r"temperature must be positive, not 0.0"),
        ({"zoom": 1.0}, "zoom 0.5 at most"),
    ],
)
def test_parameters_out_of_range(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Binarize(), **options)
