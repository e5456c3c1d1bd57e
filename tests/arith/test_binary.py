import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith import conv2d, dot, pack_words, parse, xnor_dot

LENGTHS = [1, 2, 63, 64, 65, 127, 128, 129, 300]


def bits(seed: int, *shape: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 2, shape)


@pytest.mark.parametrize("k", LENGTHS)
def test_words_hold_position_k_at_bit_k_mod_64(k: int) -> None:
    codes = bits(k, 3, k)
    words = pack_words(codes)
    assert words.shape == (3, -(-k // 64))
    for row, packed in zip(codes, words, strict=True):
        number = sum(int(word) << 64 * i for i, word in enumerate(packed))
        assert number == sum(int(bit) << i for i, bit in enumerate(row))


@pytest.mark.parametrize("k", LENGTHS)
def test_popcount_and_float_products_agree(k: int) -> None:
    a, w = bits(1, 17, k), bits(2, 9, k)
    by_words = xnor_dot(pack_words(a), pack_words(w), k)
    binary = parse("binary")
    assert np.array_equal(by_words, (2 * a - 1) @ (2 * w - 1).T)
    assert np.array_equal(by_words, dot(binary.encode(a - 0.5), binary.encode(w - 0.5)).acc)


@pytest.mark.parametrize("k", LENGTHS)
def test_what_is_not_valid_contributes_nothing(k: int) -> None:
    a, w, valid = bits(1, 17, k), bits(2, 9, k), bits(3, 17, k)
    found = xnor_dot(pack_words(a), pack_words(w), k, pack_words(valid))
    assert np.array_equal(found, ((2 * a - 1) * valid) @ (2 * w - 1).T)


def test_ones_beyond_k_do_not_count() -> None:
    everything = np.full((1, 1), (1 << 64) - 1, np.uint64)
    nothing = np.zeros((1, 1), np.uint64)
    assert xnor_dot(everything, nothing, 5).item() == -5
    assert xnor_dot(everything, everything, 5, everything).item() == 5


def test_a_padded_convolution_is_the_masked_product_of_its_patches() -> None:
    x, w = bits(1, 1, 70, 4, 4), bits(2, 5, 70, 3, 3)
    binary = parse("binary")
    padded, inside = (np.pad(part[0], ((0, 0), (1, 1), (1, 1))) for part in (x, np.ones_like(x)))
    patches, valid = (
        np.array([part[:, i : i + 3, j : j + 3].reshape(-1) for i in range(4) for j in range(4)])
        for part in (padded, inside)
    )
    found = xnor_dot(pack_words(patches), pack_words(w.reshape(5, -1)), 70 * 9, pack_words(valid))
    whole = conv2d(binary.encode(x - 0.5), binary.encode(w - 0.5), padding=1).acc
    assert np.array_equal(found, whole[0].reshape(5, 16).T)


def test_operands_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"w must be \(rows, 2\) for k = 70, but is \(1, 1\)"):
        xnor_dot(np.zeros((1, 2), np.uint64), np.zeros((1, 1), np.uint64), 70)
    with pytest.raises(ValueError, match=r"codes must lie in 0\.\.1, but -1"):
        pack_words([-1, 1])
    with pytest.raises(ValueError, match="is a scalar"):
        pack_words(1)
