from itertools import product

import numpy as np
import pytest
from tests.network.samples import conv2d, image, layer, network
from tests.support.networks import random_codes, random_network

from bitwright.network import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
)


@pytest.mark.parametrize("seed", range(10))
def test_operands_give_the_accumulator(seed: int) -> None:
    """sum (activation - zx) weight + bias over the operands is the accumulator, everywhere."""
    net = random_network(seed)
    _, taps = net.run(random_codes(net, 2), taps=True)
    rng = np.random.default_rng(seed)
    for made in net:
        if not isinstance(made, Conv2d | Linear | AvgPool2d):
            continue
        inputs, zero_point = [taps[name] for name in made.inputs], net.formats(made)[0].zero_point
        acc = net.accumulators(made.name, inputs)
        for _ in range(20):
            index = tuple(int(i) for i in rng.integers(0, acc.shape))
            activations, weights = net.operands(made.name, inputs, index)
            if isinstance(made, AvgPool2d):
                assert (activations - zero_point).sum() == acc[index]
                assert weights.size == 0
            else:
                assert (activations - zero_point) @ weights + made.bias[index[1]] == acc[index]


def test_operands_run_over_rows_then_columns_then_channels() -> None:
    weight = np.arange(2 * 2 * 3 * 2).reshape(2, 2, 3, 2)
    made = conv2d(
        weight=weight,
        bias=np.zeros(2, np.int64),
        shape=(2, 3, 5),
        padding=(0, 0, 0, 0),
        requantization=conv2d().requantization.__class__(
            multiplier=np.ones(2, np.int64), shift=np.ones(2, np.int64), low=-128, high=127
        ),
    )
    net = Network((image((2, 5, 6)), made))
    x = np.arange(60, dtype=np.int8).reshape(1, 2, 5, 6)
    activations, weights = net.operands("conv", [x], (0, 1, 2, 1))
    walk = list(product(range(3), range(2), range(2)))
    assert activations.tolist() == [int(x[0, ci, 2 + ky, 1 + kx]) for ky, kx, ci in walk]
    assert weights.tolist() == [int(weight[1, ci, ky, kx]) for ky, kx, ci in walk]


def test_max_pool_operands_leave_the_padding_out() -> None:
    net = network(layer(MaxPool2d, padding=(1, 1, 0, 0), shape=(3, 5, 5)))
    x = np.arange(90, dtype=np.int8).reshape(1, 3, 5, 6)
    assert net.operands("y", [x], (0, 0, 0, 0))[0].tolist() == [0, 1]
    assert net.operands("y", [x], (0, 2, 1, 1))[0].tolist() == [60, 61, 62, 66, 67, 68]


@pytest.mark.parametrize(
    ("kind", "index", "expected"),
    [(Add, (0, 2, 4, 5), [89, 89]), (Concat, (0, 3, 0, 1), [1]), (Flatten, (0, 31), [31])],
)
def test_elementwise_operands_are_the_codes_moved(
    kind: type[Layer], index: tuple[int, ...], expected: list[int]
) -> None:
    net = network(layer(kind))
    x = np.arange(90, dtype=np.int8).reshape(1, 3, 5, 6)
    inputs = [x] * len(net["y"].inputs)
    activations, weights = net.operands("y", inputs, index)
    assert (activations.tolist(), weights.tolist()) == (expected, [])


@pytest.mark.parametrize("index", [(0, 90), (1, 0), (0,), (0, -1)])
def test_operands_refuse_an_index_outside_the_output(index: tuple[int, ...]) -> None:
    net = network(layer(Flatten))
    with pytest.raises(ValueError, match=r"index must lie in an output of shape \(1, 90\), found"):
        net.operands("y", [random_codes(net, 1)], index)
