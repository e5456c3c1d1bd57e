"""States to try a method on."""

from tests.compress.recipe.networks import digits, graph

from bitwright.compress.methods.activations import Calibrate
from bitwright.compress.methods.rounding import Quantize
from bitwright.compress.recipe import Context
from bitwright.compress.simulation import layers
from bitwright.compress.state import State


def context(seed=1):
    return Context(dataset=digits(), seed=seed)


def quantized(fmt="int3", **options):
    state = Calibrate(images=200).apply(State.start(graph()), context())
    return Quantize(format=fmt, **options).apply(state, context())


def output_error(state, images=300):
    """Mean squared difference of the answers from those of the float network."""
    x = context().samples(images)
    difference = state.simulated()(x) - State.start(state.original).simulated()(x)
    return float(difference.square().mean())


def on_grid(state):
    return all(
        (state.grids[name].round(layer.weight) == layer.weight).all()
        for name, layer in layers(state.graph).items()
    )
