from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith.oracle import around

from bitwright.arith import Codebook, parse


def expected_code(x: Fraction, centroids: list[Fraction]) -> int:
    """The nearest; of equals the first; a tie to the even code, or else to the lower."""
    distances = [abs(x - c) for c in centroids]
    least = min(distances)
    near = [i for i, distance in enumerate(distances) if distance == least]
    firsts = sorted({centroids.index(centroids[i]) for i in near})
    return min(firsts, key=lambda i: (i % 2, i))


def check(fmt: Codebook, x: NDArray[np.floating], centroids: NDArray[np.floating]) -> None:
    encoded = fmt.encode(x, centroids=centroids)
    book = [Fraction(c) for c in encoded.shared.encoded.decode().tolist()]
    assert book == sorted(book)
    assert encoded.codes.tolist() == [expected_code(Fraction(v), book) for v in x.tolist()]
    assert np.array_equal(fmt.quantize(x, centroids=centroids), encoded.decode())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 3, 5, 16, 255, 256])
@pytest.mark.parametrize("suffix", ["", "_int16", "_fix8.4", "_ufix3.1", "_fix32.30"])
def test_every_midpoint_with_its_neighbours(suffix: str, k: int, dtype: type[np.floating]) -> None:
    fmt = parse(f"codebook{k}{suffix}")
    assert isinstance(fmt, Codebook)
    centroids = np.random.default_rng(k).normal(size=k).astype(dtype) * dtype(1.7)
    book = np.unique(fmt.encode([0.0], centroids=centroids).shared.encoded.decode())
    middle = (book[:-1].astype(np.float64) + book[1:]) / 2
    points = [*middle.tolist(), *book.tolist()][: 20 if k > 16 else None]
    check(fmt, np.array([y for p in points for y in around(p, dtype)], dtype), centroids)


def test_equal_centroids_mean_the_first() -> None:
    fmt = parse("codebook5_fix8.0")
    encoded = fmt.encode([0.0, 1.0, 2.0, 0.5, 1.5], centroids=[2.0, 0.0, 0.1, 1.0, 1.2])
    assert encoded.shared.encoded.codes.tolist() == [0, 0, 1, 1, 2]
    # 0.5 lies between codes 0 and 2, both even: the lower; 1.5 between 2 and 4: the lower.
    assert encoded.codes.tolist() == [0, 2, 4, 0, 2]
    assert parse("codebook2").quantize([3.0, 4.0], centroids=[1.0, 1.0]).tolist() == [1, 1]


def test_centroids_left_out_divide_the_range_evenly() -> None:
    x = np.array([-1.0, 2.0, np.inf])
    encoded = parse("codebook4_int16").encode(x)
    assert encoded.shared.encoded.decode() == pytest.approx([-1, 0, 1, 2], abs=1e-4)
    assert encoded.codes.tolist() == [0, 3, 3]
    span = np.array([np.finfo(np.float32).min, np.finfo(np.float32).max], np.float32)
    assert np.isfinite(parse("codebook4").quantize(span)).all()


def test_centroids_are_stored_in_their_format() -> None:
    fmt = parse("codebook3_fix8.4")
    encoded = fmt.encode([0.5, 2.0], centroids=[-1.0, 0.5, 2.0])
    assert encoded.pack().tolist() == [0b10_01, 0xF0, 0x08, 0x20]
    assert fmt.bits_per_element(48) == 2 + 0.5


def test_names() -> None:
    assert parse("codebook16_int8") == parse("codebook16")
    assert str(parse("codebook16_int8")) == "codebook16"
    assert str(parse("codebook7_ufix8.-3")) == "codebook7_ufix8.-3"
    assert [parse(f"codebook{k}").bits for k in (2, 3, 4, 5, 16, 17, 256)] == [1, 2, 2, 3, 4, 5, 8]
    for k in (0, 1, 257):
        with pytest.raises(ValueError, match=rf"K in 2\.\.256, but K is {k}; nearest valid: code"):
            parse(f"codebook{k}")
    with pytest.raises(ValueError, match=r"N in 2\.\.16, but N is 17; nearest valid: codebook16"):
        parse("codebook16_int17")


def test_codes_of_no_centroid_are_refused() -> None:
    fmt = parse("codebook3")
    with pytest.raises(ValueError, match=r"codebook3 codes must lie in 0\.\.2, but 3"):
        fmt.unpack([3], (1,))


def test_bad_centroids_are_named() -> None:
    fmt = parse("codebook4")
    with pytest.raises(
        ValueError, match=r"codebook4 has 4 centroids, but centroids has shape \(3,"
    ):
        fmt.encode([1.0], centroids=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"centroids is NaN at index \(1,\)"):
        fmt.encode([1.0], centroids=[1.0, np.nan, 3.0, 4.0])
    with pytest.raises(ValueError, match="centroids must be finite"):
        fmt.encode([1.0], centroids=[1.0, np.inf, 3.0, 4.0])
