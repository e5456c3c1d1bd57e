"""FakeQuantize is numpy's quantize in every bit."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.arith import rational
from tests.compress.fake import names
from tests.compress.fake.names import bits_of

from bitwright.arith import parse
from bitwright.compress.fake import FakeQuantize


def accepted(name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without numbers near float32's end where a derived span of them would overflow."""
    limit = np.float32(1e37)
    return np.clip(x, -limit, limit) if name.startswith(("uint", "codebook")) else x


def hard_numbers(name: str, rows: int = 600, seed: int = 1) -> NDArray[np.float32]:
    return accepted(name, rational.numbers(np.random.default_rng(seed), rows, 53, np.float32))


def check_equal(name: str, x: NDArray[Any], axis: int = -1, **options: Any) -> None:
    expected = parse(name).quantize(x, axis, **options)
    module = FakeQuantize(name, axis, **options)
    # Strides as they are; torch has no negative ones.
    tensor = torch.from_numpy(x if min(x.strides, default=0) >= 0 else x.copy())
    for given in (tensor, tensor.clone().requires_grad_()):
        found = module(given).detach().numpy()
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        differs = bits_of(np.ascontiguousarray(found)) != bits_of(np.ascontiguousarray(expected))
        if differs.any():
            place = tuple(np.argwhere(differs)[0])
            pytest.fail(
                f"{module}: {x[place]!r} at {place} is {found[place]!r}, not {expected[place]!r}; "
                f"{differs.sum()} of {differs.size} differ"
            )


@pytest.mark.parametrize("name", [*names.UNSHARED, *names.STATIC])
def test_every_upper_half_of_a_float32(name: str) -> None:
    check_equal(name, accepted(name, names.sweep()))


@pytest.mark.parametrize("name", names.BLOCKS)
def test_every_upper_half_in_blocks(name: str) -> None:
    # Neighbours first, then, in random order, all exponents in one block.
    x = names.sweep()
    check_equal(name, x)
    check_equal(name, np.random.default_rng(2).permutation(x))
    check_equal(name, (x[: 64 * 6000].reshape(-1, 64) * np.float32(0.3)))


@pytest.mark.parametrize("name", [n for n in names.UNSHARED if parse(n).bits <= 16])
def test_around_every_value_and_every_midpoint(name: str) -> None:
    check_equal(name, names.around_midpoints(parse(name).values()))


@pytest.mark.parametrize("name", ["int8", "uint8", "pow4", "codebook16", "codebook9_uint3"])
def test_around_every_midpoint_of_scaled_codes(name: str) -> None:
    scale = {"int8": 0.1, "uint8": 3.0, "pow4": 0.25}.get(name)
    options: dict[str, Any] = {} if scale is None else {"scale": scale}
    if scale is None:
        count = parse(name).code_high + 1
        options["centroids"] = np.random.default_rng(3).normal(size=count)
    values = parse(name).quantize(np.linspace(-200, 900, 200001, dtype=np.float32), **options)
    check_equal(name, names.around_midpoints(np.float64(values)), **options)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", names.EVERY)
def test_hard_numbers_in_every_order_along_every_axis(name: str, axis: int) -> None:
    for x in names.shapes(hard_numbers(name)):
        if -max(x.ndim, 1) <= axis < max(x.ndim, 1):
            check_equal(name, x, axis)


@pytest.mark.parametrize("name", names.STATIC)
def test_every_way_to_say_what_is_shared(name: str) -> None:
    x = hard_numbers(name).reshape(40, 15, 53)
    if name.startswith("int"):  # without narrow, the least code of a derived scale overflows
        x = x.clip(-1e37, 1e37)
    usual = np.random.default_rng(5).normal(0, 4, x.shape).astype(np.float32)
    for options in names.options_of(name, 15, np.random.default_rng(4)):
        check_equal(name, x, **options)
        check_equal(name, usual, **options)


@pytest.mark.parametrize("name", [*names.UNSHARED, *names.BLOCKS[:-1], *names.POWERS])
def test_float64_where_it_is_accepted(name: str) -> None:
    x = rational.numbers(np.random.default_rng(6), 300, 53, np.float64)
    check_equal(name, x)


@pytest.mark.parametrize("exponent", [-140, -30, 0, 7, 100])
@pytest.mark.parametrize("size", [11, 300, 100_000])
def test_ternary_threshold_is_exact_whatever_the_sum(size: int, exponent: int) -> None:
    # The first eight are the floats around 0.7 of the mean of all, themselves included: of two
    # neighbours, one is kept and the other not.
    x = np.random.default_rng(size).lognormal(0, 3, size).astype(np.float32)
    threshold = np.float32(0.7 * x[8:].sum(dtype=np.float64) / (size - 0.7 * 8))
    x[:8] = threshold + np.arange(-4, 4) * np.spacing(threshold)
    kept = parse("ternary").quantize(x)[:8]
    assert (kept.min(), kept.max()) == (0, 1)
    for scale in (None, "tensor"):
        check_equal("ternary", np.ldexp(x, exponent), scale=scale)


@pytest.mark.parametrize("tiny", [0.0, 2.0**-120], ids=["tie", "above"])
@pytest.mark.parametrize("exponent", range(-24, 27))
def test_mean_beside_a_tie_is_rounded_once(exponent: int, tiny: float) -> None:
    # The mean is 1 + 2^-24, a tie, and a bit: wherever the digits of the sum begin.
    x = np.float32(2.0**exponent) * np.float32([2, 1, 1 + 2.0**-22, tiny])
    check_equal("binary", x, scale="tensor")


def test_views_that_follow_do_not_change_the_input() -> None:
    x = torch.randn(4, 64)
    before = x.clone()
    for name in names.EVERY:
        FakeQuantize(name)(x).add_(1)
        assert torch.equal(x, before), name


@pytest.mark.slow
@pytest.mark.parametrize("name", names.many_names())
def test_many_names_on_hard_numbers(name: str) -> None:
    check_equal(name, hard_numbers(name))
    check_equal(name, hard_numbers(name), 0)
