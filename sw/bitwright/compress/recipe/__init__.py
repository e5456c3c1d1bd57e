"""Recipes: ordered lists of quantization steps, from a file or as objects."""

from bitwright.compress.methods.activations import Calibrate
from bitwright.compress.methods.adaround import AdaRound
from bitwright.compress.methods.bias_correction import BiasCorrection
from bitwright.compress.methods.binarize import Binarize
from bitwright.compress.methods.codebook import Codebook
from bitwright.compress.methods.coding import Huffman
from bitwright.compress.methods.equalization import Equalize
from bitwright.compress.methods.gptq import Gptq
from bitwright.compress.methods.mixed import Mixed
from bitwright.compress.methods.qat import Qat
from bitwright.compress.methods.rounding import Quantize
from bitwright.compress.methods.weight_correction import WeightCorrection
from bitwright.compress.recipe.catalogue import STEPS
from bitwright.compress.recipe.read import load_recipe, read_recipe
from bitwright.compress.recipe.recipe import Recipe, RecipeError
from bitwright.compress.recipe.run import Outcome, run_recipe
from bitwright.compress.step import Context, Fact, Step

__all__ = [
    "STEPS",
    "AdaRound",
    "BiasCorrection",
    "Binarize",
    "Calibrate",
    "Codebook",
    "Context",
    "Equalize",
    "Fact",
    "Gptq",
    "Huffman",
    "Mixed",
    "Outcome",
    "Qat",
    "Quantize",
    "Recipe",
    "RecipeError",
    "Step",
    "WeightCorrection",
    "load_recipe",
    "read_recipe",
    "run_recipe",
]
