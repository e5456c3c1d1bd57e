"""Weight sharing: the worked example of the literature, ways to begin, gradients, storage."""

import numpy as np
import pytest
import torch
from tests.compress.methods.cases import context, output_error, quantized
from tests.compress.recipe.networks import graph

from bitwright.compress.methods.codebook import Codebook, Shared, codebook_grid
from bitwright.compress.methods.coding import Huffman, coded_bits, entropy
from bitwright.compress.methods.kmeans import Start, kmeans, nearest, start, storage_bits
from bitwright.compress.recipe import Quantize, Recipe, RecipeError
from bitwright.compress.simulation import layers
from bitwright.compress.state import State
from bitwright.compress.storage import stored

WEIGHTS = np.array(
    [
        [2.09, -0.98, 1.48, 0.09],
        [0.05, -0.14, -1.08, 2.12],
        [-0.91, 1.92, 0.0, -1.03],
        [1.87, 0.0, 1.53, 1.49],
    ]
)
"""Figure 3 of Deep Compression (arXiv:1510.00149)."""
INDEX = np.array([[3, 0, 2, 1], [1, 1, 0, 3], [0, 3, 1, 0], [3, 1, 2, 2]])
CENTROIDS = [-1.0, 0.0, 1.5, 2.0]
GRADIENT = torch.tensor(
    [
        [-0.03, -0.01, 0.03, 0.02],
        [-0.01, 0.01, -0.02, 0.12],
        [-0.01, 0.02, 0.04, 0.01],
        [-0.07, -0.02, 0.01, -0.02],
    ]
)


def test_worked_example_clusters_and_takes_160_bits():
    found = kmeans(WEIGHTS, start(WEIGHTS, 4, Start.LINEAR))
    assert found == pytest.approx(CENTROIDS, abs=0.005)
    assert nearest(WEIGHTS, found).tolist() == INDEX.tolist()
    assert nearest(np.array([0.5, 0.51]), np.array([0.0, 1.0])).tolist() == [0, 1]
    assert (32 * WEIGHTS.size, storage_bits(16, 4)) == (512, 160)
    assert 512 / storage_bits(16, 4) == 3.2


def test_worked_example_gradients_are_summed_per_centroid():
    book = torch.tensor(CENTROIDS, requires_grad=True)
    (book[torch.from_numpy(INDEX)] * GRADIENT).sum().backward()
    assert book.grad.tolist() == pytest.approx([-0.03, 0.04, 0.02, 0.04], abs=1e-6)
    # One step at rate 1 gives the figure's fine-tuned centroids.
    assert (book - book.grad).tolist() == pytest.approx([-0.97, -0.04, 1.48, 1.96], abs=1e-6)


def test_the_networks_centroids_get_the_sum_of_their_weights_gradients():
    state = State.start(graph())
    layer = layers(graph())["fc"]
    index = np.random.default_rng(0).integers(0, 4, layer.weight.shape)
    book = np.linspace(-1, 1, 4)
    model = Shared(state, {"fc": book}, {"fc": index})
    model(context().samples(8)).square().sum().backward()
    (found,) = (parameter.grad for parameter in model.books.values())
    weight = torch.from_numpy(book[index]).float().requires_grad_()
    with torch.no_grad():
        taps = dict(State.start(graph()).simulated().taps(context().samples(8)))
    out = torch.nn.functional.linear(
        taps[layer.inputs[0]], weight, torch.from_numpy(layer.bias).float()
    )
    out.square().sum().backward()
    wanted = [weight.grad[torch.from_numpy(index) == n].sum().item() for n in range(4)]
    assert found.tolist() == pytest.approx(wanted, rel=1e-3)


def test_ways_to_begin():
    values = np.concatenate([np.zeros(96), [1.0, 2.0, 3.0, 10.0]])
    assert start(values, 3, Start.LINEAR).tolist() == [0.0, 5.0, 10.0]
    assert start(values, 3, Start.DENSITY).tolist() == [0.0, 0.0, 0.0]
    forgy = start(values, 3, Start.FORGY, seed=1)
    assert set(forgy) <= {0.0, 1.0, 2.0, 3.0, 10.0}
    assert forgy.tolist() == start(values, 3, Start.FORGY, seed=1).tolist()
    assert len(start(np.ones(5), 4, Start.FORGY)) == 4


@pytest.mark.parametrize("how", list(Start))
def test_kmeans_comes_to_rest_at_the_means(how):
    values = np.random.default_rng(0).normal(size=2000)
    begun = start(values, 8, how)
    found = kmeans(values, begun)
    index = nearest(values, found)
    assert found == pytest.approx([values[index == n].mean() for n in range(8)])
    errors = [np.square(book[nearest(values, book)] - values).sum() for book in (begun, found)]
    assert errors[1] < errors[0]


def test_equal_codes_are_one_entry():
    assert codebook_grid(np.array([0.0, 1e-9, 1.0]), 2, 4).levels.tolist() == [0, 127]
    assert len(codebook_grid(np.zeros(4), 2, 4).levels) == 2


def test_weights_are_shared_and_the_rest_is_int8():
    state = Codebook(bits=2, layers=("conv2",)).apply(State.start(graph()), context())
    assert len(np.unique(layers(state.graph)["conv2"].weight)) == 4
    assert state.grids["fc"].format == "int8"
    part = next(part for part in stored(state) if part.name == "conv2")
    # 2 bits a weight; a scale, 16 biases and four entries of int8.
    assert (part.index_bits, part.side_bits) == (2 * 1152, 32 + 16 * 32 + 4 * 8)


def test_training_centroids_makes_up_for_sharing():
    begun = quantized_free()
    plain = Codebook(bits=1).apply(begun, context())
    trained = Codebook(bits=1, epochs=5, learning_rate=1e-2).apply(begun, context())
    assert all(len(np.unique(layer.weight)) == 2 for layer in layers(trained.graph).values())
    assert accuracy(trained) > accuracy(plain) + 0.1


def quantized_free():
    from bitwright.compress.recipe import Calibrate

    return Calibrate(images=200).apply(State.start(graph()), context())


def accuracy(state):
    from bitwright.compress.recipe.run import accuracy as measured

    return measured(state, context().dataset.test)


def test_huffman_counts_codes_tables_and_gaps():
    index = np.array([0] * 12 + [1] * 4 + [2] * 2 + [3] * 2)
    # 12 x 1 + 4 x 2 + 4 x 3 bits, and four lengths of 5 bits.
    assert coded_bits(index, 4, 16) == 12 + 8 + 12 + 20
    assert entropy(index) * 20 <= 32
    state = Huffman().apply(quantized("int4"), context())
    for name, ways in state.findings["coding"].items():
        assert state.coded[name] == min(ways[way] for way in ("plain", "huffman", "gaps"))
        assert ways["entropy"] <= ways["huffman"]
    assert sum(part.bits for part in stored(state)) < sum(
        part.bits for part in stored(quantized("int4"))
    )
    assert output_error(state) == output_error(quantized("int4"))


def test_coding_is_undone_where_weights_change():
    state = Huffman().apply(quantized("int4"), context())
    changed = state.with_weights({"fc": layers(state.graph)["fc"].weight})
    assert set(changed.coded) == {"conv1", "conv2"}


def test_huffman_before_quantization_is_refused():
    with pytest.raises(RecipeError, match=r"'huffman': needs quantized weights.*'quantize' or"):
        Recipe(steps=(Huffman(), Quantize()))
