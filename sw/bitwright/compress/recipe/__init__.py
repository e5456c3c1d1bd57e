"""Recipes: ordered lists of quantization steps, from a file or as objects."""

from bitwright.compress.methods.activations import Calibrate
from bitwright.compress.methods.rounding import Quantize
from bitwright.compress.recipe.catalogue import STEPS
from bitwright.compress.recipe.read import load_recipe, read_recipe
from bitwright.compress.recipe.recipe import Recipe, RecipeError
from bitwright.compress.recipe.run import Outcome, run_recipe
from bitwright.compress.recipe.step import Context, Fact, Step

__all__ = [
    "STEPS",
    "Calibrate",
    "Context",
    "Fact",
    "Outcome",
    "Quantize",
    "Recipe",
    "RecipeError",
    "Step",
    "load_recipe",
    "read_recipe",
    "run_recipe",
]
