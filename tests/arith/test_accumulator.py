import math
from itertools import accumulate, product

import numpy as np
import pytest

from bitwright.arith import accumulator_bits


@pytest.mark.parametrize(
    ("weight", "bias", "low", "high", "bits"),
    [
        ([[0]], [0], -128, 127, 1),
        ([[1]], [0], 0, 1, 2),
        ([[1]], [0], -128, 127, 9),
        ([[-1]], [0], -127, 127, 8),
        ([[1] * 1024], [0], -128, 127, 19),
        ([[127], [1]], [0, -128 * 126 - 1], -128, 127, 15),
        ([[127], [1]], [0, -128 * 127], -128, 127, 16),
        ([[128], [1]], None, -128, 127, 16),
        ([[0]], [(1 << 31) - 1], 0, 255, 32),
        ([[0]], [-(1 << 31)], 0, 255, 33),
    ],
)
def test_known_widths(
    weight: list[list[int]], bias: list[int] | None, low: int, high: int, bits: int
) -> None:
    assert accumulator_bits(weight, bias, low, high) == bits


@pytest.mark.parametrize("seed", [0, 1, 2], ids="seed{}".format)
def test_it_is_the_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.integers(-128, 128, (5, 3, 3, 3)).astype(np.int8)
    bias = rng.integers(-5000, 5000, 5).astype(np.int32)
    bound = max(
        sum(abs(int(w)) for w in weight[o].flat) * 200 + abs(int(bias[o])) for o in range(5)
    )
    assert accumulator_bits(weight, bias, -200, 55) == 1 + math.ceil(math.log2(bound + 1))


@pytest.mark.parametrize("weight", list(product(range(-2, 2), repeat=3)), ids=str)
@pytest.mark.parametrize("bias", [-3, 0, 3])
def test_no_activation_and_no_prefix_leaves_the_width(weight: tuple[int, ...], bias: int) -> None:
    bits = accumulator_bits([weight], [bias], -2, 1)
    for activations in product(range(-2, 2), repeat=3):
        terms = [bias, *(w * a for w, a in zip(weight, activations, strict=True))]
        for order in (terms, terms[::-1]):
            assert all(-(1 << bits - 1) <= s < 1 << bits - 1 for s in accumulate(order))


def test_bad_shapes_and_ranges_are_named() -> None:
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\), but has \(1,\)"):
        accumulator_bits([[1], [2]], [0], 0, 1)
    with pytest.raises(ValueError, match=r"low\.\.high must .* but is 2\.\.1"):
        accumulator_bits([[1]], [0], 2, 1)
    with pytest.raises(ValueError, match="weight must have an output axis"):
        accumulator_bits(1, None, 0, 1)
    with pytest.raises(ValueError, match="bias must lie in"):
        accumulator_bits([[1]], [1 << 31], 0, 1)
