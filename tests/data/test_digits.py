import numpy as np
import pytest

from bitwright import data


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_splits_have_the_documented_sizes(digits):
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1197, 150, 450)


def test_every_source_image_is_in_exactly_one_split(digits):
    from sklearn.datasets import load_digits

    source = load_digits()
    ours = np.concatenate([s.pixels for s in (digits.train, digits.validation, digits.test)])
    labels = np.concatenate([s.labels for s in (digits.train, digits.validation, digits.test)])
    rows = np.column_stack([ours.reshape(1797, 64), labels])
    expected = np.column_stack([source.data.astype(np.uint8), source.target])
    assert np.array_equal(rows[np.lexsort(rows.T)], expected[np.lexsort(expected.T)])


def test_every_class_is_in_the_test_split(digits):
    assert np.bincount(digits.test.labels).min() > 30


def test_images_are_pixels_over_full_scale(digits):
    assert digits.test.images.dtype == np.float32
    assert digits.test.images.max() == 1.0
    assert np.array_equal(digits.test.images * 16, digits.test.pixels)


def test_loading_twice_gives_the_same_order(digits):
    assert np.array_equal(digits.test.pixels, data.load("digits").test.pixels)


def test_take_gives_the_first_images(digits):
    assert np.array_equal(digits.test.take(3).labels, digits.test.labels[:3])


def test_taking_more_than_there_are_is_an_error(digits):
    with pytest.raises(ValueError, match="asked for 451 images, but the split has 450"):
        digits.test.take(451)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown data set 'cifar'; choose one of digits, mnist"):
        data.load("cifar")


def test_split_refuses_floats_as_pixels():
    with pytest.raises(ValueError, match="pixels must be uint8"):
        data.Split(pixels=np.zeros((2, 1, 8, 8)), labels=np.zeros(2, np.int64))


def test_split_refuses_a_missing_label():
    with pytest.raises(ValueError, match="2 images need as many labels"):
        data.Split(pixels=np.zeros((2, 1, 8, 8), np.uint8), labels=np.zeros(1, np.int64))
