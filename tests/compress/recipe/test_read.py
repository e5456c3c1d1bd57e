"""recipe.toml: what is read, and how each mistake is named."""

import pytest

from bitwright.compress.recipe import (
    Calibrate,
    Quantize,
    Recipe,
    RecipeError,
    load_recipe,
    read_recipe,
)

GOOD = """
seed = 3
test_images = 100

[[step]]
name = "calibrate"
method = "percentile"
percentile = 99
tensor_bits = { x = 4 }

[[step]]
name = "quantize"
format = "int4"
layers = ["conv*", "fc?"]
"""


def test_file_and_objects_are_one_recipe():
    assert read_recipe(GOOD) == Recipe(
        steps=(
            Calibrate(method="percentile", percentile=99.0, tensor_bits={"x": 4}),
            Quantize(format="int4", layers=("conv*", "fc?")),
        ),
        seed=3,
        test_images=100,
    )


def step(**keys):
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(["[[step]]", *lines])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[step", "r.toml: is not a TOML file"),
        ("", r"r.toml: has no steps; add \[\[step\]\] tables"),
        ("steps = 1", "r.toml: unknown key 'steps'; known are seed, test_images, step"),
        ("step = 3", r"r.toml: steps are \[\[step\]\] tables, not 3"),
        ('seed = "a"', "seed must be a whole number from 0, not 'a'"),
        ("test_images = 0", "test_images must be a whole number from 1, not 0"),
        (step(bits=4), "step 1: has no name; known are .*calibrate"),
        (step(name="'quantise'"), "unknown step 'quantise'; known are .*did you mean 'quantize'"),
        (
            step(name="'calibrate'", mode="'mse'"),
            "r.toml: step 1 'calibrate': unknown key 'mode'; known are method, bits",
        ),
        (
            step(name="'calibrate'", bits="'8'"),
            "step 1 'calibrate': bits must be a whole number, not '8'",
        ),
        (step(name="'calibrate'", bits=9), "bits of an activation must lie in 2..8, not 9"),
        (step(name="'calibrate'", symmetric=1), "symmetric must be true or false, not 1"),
        (
            step(name="'calibrate'", method="'median'"),
            "method must be one of minmax, percentile, mse, kl, js, not median",
        ),
        (step(name="'quantize'", layers="'conv'"), "layers must be a list of texts, not 'conv'"),
        (step(name="'quantize'", format="'mxfp4_e2m1'"), "no int8 codes with one scale"),
        (step(name="'quantize'", format="'uint8'"), "reach 255 of their smallest step"),
        (step(name="'quantize'", format="'int99'"), "int99"),
        (step(name="'quantize'"), "no step gives ranges of the activations.*add 'calibrate'"),
        (
            "\n".join([step(name="'quantize'"), step(name="'quantize'")]),
            "step 2 'quantize': rounds what is rounded already; put it before step 1 'quantize'",
        ),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(text, "r.toml")


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "net.bw"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"net.bw: is not a TOML file"):
        load_recipe(path)
