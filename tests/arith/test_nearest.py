"""Float32 quotients that fall, rounded, on a tie beside the exact one; scales derived by tile."""

from fractions import Fraction

import numpy as np
import pytest

from bitwright.arith import Integer
from bitwright.arith.nearest import round_half_even
from bitwright.arith.tiles import TILE, Scratch


def false_ties() -> tuple[np.ndarray, np.ndarray]:
    """Pairs x, step whose float32 quotient is an odd multiple of 1/2, though the exact is not."""
    random = np.random.default_rng(3)
    step = random.uniform(0.5, 2, 400_000).astype(np.float32)
    tie = (random.integers(-127, 127, step.size) + 0.5).astype(np.float32)
    x = np.nextafter(tie * step, np.float32(np.inf) * random.choice([-1, 1], step.size))
    x = x.astype(np.float32)
    chosen = (x / step == tie) & (x.astype(np.float64) / step != tie)
    return x[chosen], step[chosen]


def test_false_ties_are_decided_by_the_exact_quotient() -> None:
    x, step = false_ties()
    assert len(x) > 100
    with np.errstate(all="ignore"):
        got = round_half_even(x, step, x, Scratch())
    exact = [round(Fraction(float(a)) / Fraction(float(b))) for a, b in zip(x, step, strict=True)]
    assert got.tolist() == exact
    assert (np.rint(x / step) != exact).any()  # what plain float32 would have given


def test_true_ties_zeros_and_infinities() -> None:
    x = np.array([-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, np.inf, -np.inf, 3e38], np.float32)
    with np.errstate(all="ignore"):
        got = round_half_even(x, np.float32([1.0]), x, Scratch())
        tiny = round_half_even(x[-1:], np.float32([1e-38]), x, Scratch())
    assert got[:9].tolist() == [-2, -2, 0, 0, 0, 2, 2, np.inf, -np.inf]
    assert tiny[0] == np.inf


@pytest.mark.parametrize("name", ["int8", "uint8"])
@pytest.mark.parametrize("shape", [(1, 7), (300, 3), (9, 20_000), (5, 4, 100), (2, TILE + 1)])
def test_scales_derived_tile_by_tile_are_the_derived_ones(
    name: str, shape: tuple[int, ...]
) -> None:
    fmt = Integer(8, signed=name == "int8")
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    x[0] *= 1e-3
    x.reshape(-1)[3] = np.inf
    encoded = fmt.encode(x, channel_axis=0)
    each = [fmt.encode(row) for row in x]
    assert encoded.shared.scale.reshape(-1).tolist() == [float(e.shared.scale) for e in each]
    assert (encoded.codes == np.stack([e.codes for e in each])).all()
    assert (fmt.quantize(x, channel_axis=0) == np.stack([fmt.quantize(row) for row in x])).all()


def test_tile_by_tile_errors_name_the_element_or_the_scale() -> None:
    x = np.zeros((40, 20_000), np.float32)
    x[33, 5] = np.nan
    with pytest.raises(ValueError, match=r"x is NaN at index \(33, 5\)"):
        Integer(8).quantize(x, channel_axis=0)
    with pytest.raises(ValueError, match=r"x is NaN at index \(33, 5\)"):
        Integer(8).quantize(x, channel_axis=0, scale=np.ones(40))
