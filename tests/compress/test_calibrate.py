import numpy as np
import pytest
import torch

from bitwright.compress import Observer, Range, calibrate
from bitwright.compress.methods.calibration import Histogram, count, percentile_range
from bitwright.importers.graph import Clamp, FloatGraph, Input

GRAPH = FloatGraph(
    nodes=(
        Input(name="x", inputs=(), shape=(3,)),
        Clamp(name="relu", inputs=("x",), shape=(3,), low=0.0),
    )
)


def samples(count=1000):
    return np.random.default_rng(3).normal(size=(count, 3)).astype(np.float32)


def test_minmax_is_the_least_and_the_greatest():
    x = samples()
    ranges = calibrate(GRAPH, x)
    assert ranges["x"] == Range(float(x.min()), float(x.max()))
    assert ranges["relu"] == Range(0.0, float(x.max()))


@pytest.mark.parametrize("percentile", [60, 90, 99, 99.9])
def test_percentile_is_numpys_to_one_part_of_the_range(percentile):
    # 2991 values: no percentile falls between two of them.
    x = samples(997)
    found = calibrate(GRAPH, x, observer="percentile", percentile=percentile)["x"]
    part = (x.max() - x.min()) / 16384
    options = {"method": "inverted_cdf"}
    assert 0 <= found.high - np.percentile(x, percentile, **options) <= 1.01 * part
    # From below it is the percentile of the negated values.
    assert 0 <= -found.low - np.percentile(-x, percentile, **options) <= 1.01 * part


def test_percentile_leaves_a_lone_extreme_out():
    x = samples(10_000)
    x[7, 1] = 1000.0
    found = calibrate(GRAPH, x, observer=Observer.PERCENTILE, percentile=99.9)
    assert found["x"].high < 4
    assert found["relu"].low == 0.0


def test_percentile_of_all_is_minmax():
    x = samples()
    assert calibrate(GRAPH, x, observer="percentile", percentile=100) == calibrate(GRAPH, x)


def test_percentile_of_a_constant():
    x = np.full((5, 3), -2.0, np.float32)
    found = calibrate(GRAPH, x, observer="percentile")
    assert found["x"] == Range(-2.0, -2.0)
    assert found["relu"] == Range(0.0, 0.0)


def test_histogram_counts_the_ends():
    counts = count(np.array([0, 0, 1, 2, 2, 2], np.float32), Range(0.0, 2.0))
    assert (counts[0], counts[8192], counts[-1], counts.sum()) == (2, 1, 3, 6)


def test_percentile_keeps_just_what_is_needed():
    counts = np.array([1, 0, 8, 1])
    seen = Histogram(Range(0.0, 4.0), counts)
    assert percentile_range(seen, 90) == Range(1.0 + 1.0, 3.0)


@pytest.mark.parametrize("observer", list(Observer))
def test_batches_do_not_matter(observer):
    x = samples()
    whole = calibrate(GRAPH, x, observer=observer)
    parts = calibrate(GRAPH, [x[:1], x[1:130], x[130:]], observer=observer)
    assert whole == parts == calibrate(GRAPH, torch.from_numpy(x), observer=observer)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (samples(0), {}, "needs at least one input"),
        ([], {}, "needs at least one input"),
        (np.zeros((4, 2), np.float32), {}, r"must be \(N, 3\), not \(4, 2\)"),
        (np.zeros(3, np.float32), {}, r"must be \(N, 3\), not \(3,\)"),
        (np.full((1, 3), np.nan, np.float32), {}, "'x' takes a value that is not finite"),
        (samples(), {"observer": "percentile", "percentile": 50}, "above 50 and up to 100, not 50"),
        (samples(), {"observer": "percentile", "percentile": 101}, "up to 100, not 101"),
        (samples(), {"observer": "median"}, "'median' is not a valid Observer"),
    ],
    ids=["none", "no batch", "shape", "unbatched", "nan", "half", "over", "observer"],
)
def test_what_is_refused(x, options, message):
    with pytest.raises(ValueError, match=message):
        calibrate(GRAPH, x, **options)
