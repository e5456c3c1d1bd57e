import gzip
import struct

import numpy as np
import pytest

from bitwright.data import DataError, load_idx, split_from_idx

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx(array, element=0x08):
    header = struct.pack(f">HBB{array.ndim}I", 0, element, array.ndim, *array.shape)
    return header + array.tobytes()


def write(path, content):
    path.write_bytes(content)
    return path


def test_plain_file(tmp_path):
    assert np.array_equal(load_idx(write(tmp_path / "a", idx(PIXELS))), PIXELS)


def test_gzipped_file(tmp_path):
    assert np.array_equal(load_idx(write(tmp_path / "a.gz", gzip.compress(idx(PIXELS)))), PIXELS)


def test_split_of_images_and_labels(tmp_path):
    labels = np.array([7, 2], np.uint8)
    split = split_from_idx(write(tmp_path / "i", idx(PIXELS)), write(tmp_path / "l", idx(labels)))
    assert split.pixels.shape == (2, 1, 3, 4)
    assert split.labels.tolist() == [7, 2]
    assert split.full_scale == 255


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"PK\3\4 more", "not an IDX file"),
        (idx(PIXELS, element=0x0D), "elements of type 0x0d"),
        (idx(PIXELS)[:9], "the header is cut short"),
        (idx(PIXELS)[:-1], r"shape \(2, 3, 4\) needs 24 bytes, but 23 follow"),
        (gzip.compress(idx(PIXELS))[:-9], "cannot be read"),
    ],
    ids=["empty", "zip", "float", "header", "short", "gzip"],
)
def test_damaged_file_is_named(tmp_path, content, message):
    path = write(tmp_path / "damaged", content)
    with pytest.raises(DataError, match=message) as caught:
        load_idx(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        load_idx(tmp_path / "nowhere")


def test_labels_that_do_not_fit_are_refused(tmp_path):
    images = write(tmp_path / "i", idx(PIXELS))
    labels = write(tmp_path / "l", idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match="does not fit 2 images"):
        split_from_idx(images, labels)
