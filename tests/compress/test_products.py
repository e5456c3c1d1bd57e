"""torch's integer product is arith's, in every bit."""

import numpy as np
import pytest

from bitwright import arith
from bitwright.compress import products

SHAPES = [(1, 1, 1), (3, 5, 7), (17, 33, 9), (64, 1000, 31), (1, 4096, 1), (33, 16, 128)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_product_is_ariths(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    rng = np.random.default_rng(k)
    a, b = rng.integers(-128, 128, (m, k), np.int8), rng.integers(-128, 128, (k, n), np.int8)
    product = products.matmul(a, b)
    assert product.dtype == np.int64
    assert (product == arith.matmul(a, b)).all()
    assert (products.matmul(a.T.copy().T, b[:, ::-1]) == arith.matmul(a, b[:, ::-1])).all()


@pytest.mark.parametrize("k", [products.LONGEST, products.LONGEST + 1])
def test_longest_sum_of_the_largest_products_is_exact(k: int) -> None:
    least = np.full((2, k), -128, np.int8)
    assert (products.matmul(least, least.T) == k << 14).all()


def test_wider_integers_and_other_shapes_take_the_reference() -> None:
    a = np.arange(-300, 300).reshape(2, 3, 100)
    assert (products.matmul(a, a[0].T) == arith.matmul(a, a[0].T)).all()
    assert products.matmul(np.zeros((0, 3), np.int8), np.zeros((3, 2), np.int8)).shape == (0, 2)


def test_shapes_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\d"):
        products.matmul(np.zeros((2, 3), np.int8), np.zeros((2, 3), np.int8))
