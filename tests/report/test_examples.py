"""All wrong answers, some right ones, and their pixels as they are."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from bitwright.report.examples import MOST_WRONG, Examples, choose_examples, png

PIXELS = np.arange(12 * 6, dtype=np.uint8).reshape(12, 1, 2, 3) % 17
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])


def test_all_wrong_answers_come_first_then_two_right_of_each_label() -> None:
    answers = LABELS.copy()
    answers[[3, 5]] = 2
    chosen = choose_examples(PIXELS, 16, LABELS, answers)
    assert chosen.index.tolist() == [3, 5, 0, 1, 4, 6, 8, 9]
    assert chosen.answers.tolist()[:2] == [2, 2]
    assert chosen.labels.tolist()[:2] == [0, 1]
    assert chosen.pixels.max() == 255, "full scale is white"


def test_images_that_were_not_run_are_not_shown() -> None:
    assert choose_examples(PIXELS, 16, LABELS, LABELS[:1]).index.tolist() == [0]
    assert choose_examples(PIXELS, 16, LABELS, LABELS[:0]).index.tolist() == []


def test_broken_machine_shows_no_more_wrong_answers_than_fit() -> None:
    many = np.zeros((100, 1, 1, 1), np.uint8)
    labels = np.ones(100, np.int64)
    assert len(choose_examples(many, 1, labels, labels + 1).index) == MOST_WRONG


def test_saved_examples_are_loaded_equal(tmp_path: Path) -> None:
    chosen = choose_examples(PIXELS, 16, LABELS, LABELS)
    chosen.save(tmp_path)
    loaded = Examples.load(tmp_path)
    for name in Examples.__slots__:
        assert (getattr(loaded, name) == getattr(chosen, name)).all()


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_png_has_the_pixels(channels: int) -> None:
    rng = np.random.default_rng(channels)
    pixels = rng.integers(0, 256, (channels, 5, 7), np.uint8)
    kind, data = png(pixels).split(",")
    assert kind == "data:image/png;base64"
    read = np.rint(imread(io.BytesIO(base64.b64decode(data))) * 255).astype(np.uint8)
    expected = pixels.transpose(1, 2, 0) if channels == 3 else pixels[0]
    assert (read == expected).all()
