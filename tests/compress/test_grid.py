"""Grids: levels of each format, nearest values, offsets, and what does not fit."""

import numpy as np
import pytest

from bitwright.arith import parse
from bitwright.compress.grid import Grid
from bitwright.compress.levels import levels, step
from bitwright.compress.methods.rounding import fit_grid, round_weights


def grid(name="int4", scale=(1.0,), offset=None):
    return Grid(
        format=name,
        levels=levels(name),
        scale=np.array(scale),
        offset=np.zeros(len(scale), np.int64) if offset is None else np.array(offset),
    )


WEIGHTS = np.random.default_rng(0).normal(size=(5, 40))


@pytest.mark.parametrize("name", ["int2", "int3", "int4", "int8", "pow3", "pow4", "e2m1", "e2m3"])
def test_rounding_is_that_of_the_format(name):
    found = fit_grid(WEIGHTS, name)
    unit = found.scale / step(name)
    options = {"scale": 1.0} if name.startswith(("int", "pow")) else {}
    if name.startswith("int"):
        options["narrow"] = True
    wanted = parse(name).quantize(WEIGHTS / unit[:, None], **options) * unit[:, None]
    assert np.allclose(round_weights(WEIGHTS, found), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["binary", "ternary"])
@pytest.mark.parametrize("granularity", ["channel", "tensor"])
def test_lowest_formats_round_and_scale_as_arith_does(name, granularity):
    found = fit_grid(WEIGHTS, name, granularity=granularity)
    wanted = parse(name).quantize(WEIGHTS, scale=granularity)
    assert np.allclose(round_weights(WEIGHTS, found), wanted, rtol=1e-12)


@pytest.mark.parametrize("bits", [2, 4, 7])
def test_asymmetric_weights_reach_the_top_level(bits):
    weights = WEIGHTS + 2.0
    found = fit_grid(weights, f"uint{bits}")
    index = found.index(weights)
    assert index.max(axis=1).tolist() == [(1 << bits) - 1] * 5
    assert np.abs(found.codes(index)).max() <= 127
    error = np.abs(found.round(weights) - weights)
    assert (error <= 0.51 * found.scale[:, None]).all()


def test_values_on_the_grid_stay():
    for name in ("int4", "pow4", "e2m1", "ternary", "binary"):
        one = grid(name, scale=(0.3, 0.7), offset=(0, 2))
        index = np.arange(len(one.levels)) * np.ones((2, 1), np.int64)
        assert np.array_equal(one.index(one.values(index)), index)


def test_below_is_the_lower_neighbour():
    one = grid("pow3")  # -4 -2 -1 0 1 2 4
    found = one.levels[one.below(np.array([[-9.0, -3.9, -2.0, 0.5, 3.0, 4.0, 9.0]]))]
    assert found.tolist() == [[-4, -4, -2, 0, 2, 2, 2]]


@pytest.mark.parametrize(
    ("name", "bits", "width"),
    [("int4", 4, 4), ("ternary", 2, 2), ("binary", 1, 2), ("pow4", 4, 8), ("e2m1", 4, 5)],
)
def test_widths_of_index_and_code(name, bits, width):
    assert (grid(name).index_bits, grid(name).weight_bits) == (bits, width)


def test_codes_beyond_a_byte_are_refused():
    with pytest.raises(ValueError, match=r"int8 needs codes of -124..130, .* within -127..127"):
        grid("int8", offset=(3,))
    with pytest.raises(ValueError, match="no int8 codes with one scale per channel"):
        levels("bfp4_b16")
    with pytest.raises(ValueError, match="reach 448 of their smallest step"):
        levels("e3m2")


def test_least_error_beats_the_whole_range():
    """And agrees with trying every hundredth of it."""
    for name in ("int3", "int4", "pow4"):
        best = fit_grid(WEIGHTS, name, method="mse")
        plain = fit_grid(WEIGHTS, name)
        errors = [
            np.square(plain.scaled(np.full(5, part / 100)).round(WEIGHTS) - WEIGHTS).sum(axis=1)
            for part in range(1, 101)
        ]
        found = np.square(best.round(WEIGHTS) - WEIGHTS).sum(axis=1)
        assert np.allclose(found, np.min(errors, axis=0))
        assert (found <= errors[-1]).all()
        assert (found < errors[-1]).any()
