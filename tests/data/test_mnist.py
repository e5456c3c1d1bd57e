"""The MNIST loader on a small file that we make; the real one is fetched by the demo alone."""

import gzip
import io
import pickle
import struct

import numpy as np
import pytest

from bitwright.data import DataError
from bitwright.data.mnist import read_mnist
from bitwright.data.unpickle import ArrayUnpickler


def python2_pickle(pairs):
    """Three pairs of arrays as Python 2 with numpy 1 pickled them (protocol 2)."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    def array(values, code):
        raw = values.tobytes()
        shape = b"(" + b"".join(b"J" + struct.pack("<i", n) for n in values.shape) + b"t"
        dtype = b"cnumpy\ndtype\n" + text(code) + b"K\0K\1\x87R"
        dtype += b"(K\3" + text(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
        data = b"T" + struct.pack("<i", len(raw)) + raw
        return empty + text(b"b") + b"\x87R(K\1" + shape + dtype + b"\x89" + data + b"tb"

    parts = [array(i, b"f4") + array(n, b"i8") + b"\x86" for i, n in pairs]
    return b"\x80\2" + b"".join(parts) + b"\x87."


def write(path, content):
    path.write_bytes(gzip.compress(content))
    return path


@pytest.fixture
def pairs():
    random = np.random.default_rng(5)
    return tuple(
        (
            random.integers(0, 256, (count, 784)).astype(np.float32) / 256,
            random.integers(0, 10, count).astype(np.int64),
        )
        for count in (5, 3, 2)
    )


@pytest.mark.parametrize(
    "dump", [python2_pickle, lambda pairs: pickle.dumps(pairs, 4)], ids=["python2", "protocol4"]
)
def test_splits_come_back_in_order(tmp_path, pairs, dump):
    dataset = read_mnist(write(tmp_path / "mnist.pkl.gz", dump(pairs)))
    for split, (images, labels) in zip(
        (dataset.train, dataset.validation, dataset.test), pairs, strict=True
    ):
        assert split.pixels.shape == (len(labels), 1, 28, 28)
        assert np.array_equal(split.pixels.reshape(-1, 784), images * 256)
        assert np.array_equal(split.labels, labels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda p: pickle.dumps(p[:2], 4), "expected three pairs"),
        (lambda p: pickle.dumps((p[0], p[1], 3), 4), "expected a pair"),
        (lambda p: pickle.dumps((p[0], p[1], ("a", "b")), 4), "expected arrays of numbers"),
        (lambda p: pickle.dumps((p[0], p[1], p[2][::-1]), 4), r"not \(N, 784\) and \(N,\)"),
        (lambda p: pickle.dumps((*p[:2], (p[2][0] / 3, p[2][1])), 4), "multiples of 1/256"),
        (lambda p: pickle.dumps((*p[:2], (p[2][0] - 1, p[2][1])), 4), "multiples of 1/256"),
        (lambda p: pickle.dumps((*p[:2], (p[2][0] * np.nan, p[2][1])), 4), "multiples of 1/256"),
        (lambda p: pickle.dumps(p, 4)[:-40], "not the expected pickle|cannot be read"),
        (lambda p: b"no pickle at all", "not the expected pickle"),
    ],
    ids=["pairs", "pair", "text", "swapped", "fraction", "negative", "nan", "short", "garbage"],
)
def test_other_content_is_refused(tmp_path, pairs, content, message):
    path = write(tmp_path / "mnist.pkl.gz", content(pairs))
    with pytest.raises(DataError, match=message):
        read_mnist(path)


def test_file_that_is_not_gzipped_is_refused(tmp_path):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(b"plain")
    with pytest.raises(DataError, match="cannot be read"):
        read_mnist(path)


class Payload:
    """Runs a call when unpickled, as a hostile file would."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Payload(exec, "raise SystemExit"), "builtins.exec"),
        (Payload(np.load, "anything.npy"), "numpy.load"),
        (Payload(getattr, np.ndarray, "tofile"), "builtins.getattr"),
        (np.random.default_rng(0), "numpy.random"),
    ],
    ids=["exec", "numpy-load", "getattr", "generator"],
)
def test_unpickler_refuses_everything_but_arrays(value, name):
    with pytest.raises(pickle.UnpicklingError, match=f"refused {name}"):
        ArrayUnpickler(io.BytesIO(pickle.dumps(value, 4))).load()


def test_hostile_file_becomes_a_data_error(tmp_path):
    path = write(tmp_path / "mnist.pkl.gz", pickle.dumps(Payload(exec, "raise SystemExit"), 4))
    with pytest.raises(DataError, match=r"refused builtins\.exec"):
        read_mnist(path)
