"""Every code of every element, and every number between two of them that could go wrong."""

import numpy as np
import pytest
from tests.arith import rational

from bitwright.arith import parse
from bitwright.arith.scalar import Denormalised, Float, Fp8

UNSHARED = [name for family in (Float, Fp8, Denormalised) for name in family.names()]
EVERY_CODE = [name for name in UNSHARED if parse(name).bits <= 10] + [
    "e1m14", "e3m12", "e4m11", "e5m10", "e6m9", "e8m7", "e8m0", "dmf_e1m14", "dmf_e5m10",
    "dmf_e8m7",
]  # fmt: skip
"""All up to 10 bits, and of 16 bits one of each kind; the rest runs in the slow test."""


def check_every_code(name: str) -> None:
    fmt = parse(name)
    codes = np.arange(fmt.code_low, fmt.code_high + 1)
    values = fmt.values()
    finite = np.isfinite(values)
    again = fmt.encode(values[finite]).codes
    if isinstance(fmt, Denormalised):
        # Several codes mean the same: it is the value that comes back, from the least exponent.
        assert np.array_equal(values[again], values[finite])
        assert np.array_equal(np.signbit(values[again]), np.signbit(values[finite]))
        assert (again <= codes[finite]).all()
    else:
        assert np.array_equal(again, codes[finite])
    elements, _ = rational.definition(name)
    for code, value in zip(elements.codes, elements.values, strict=True):
        assert values[code] == value
        assert values[code + (1 << (fmt.bits - 1))] == -value


def check_every_midpoint(name: str, dtype: type[np.floating]) -> None:
    fmt = parse(name)
    values = fmt.values()
    ascending = np.unique(np.abs(values[np.isfinite(values)]))
    below, above = ascending[:-1], ascending[1:]
    middle = ((below + above) / 2).astype(dtype)  # two more bits: exact in float32
    assert np.array_equal(middle, (below + above) / 2)
    for sign in (1, -1):
        low, high = fmt.encode(sign * below).codes, fmt.encode(sign * above).codes
        even = np.where(low % 2 == 0, low, high)
        assert ((low % 2) != (high % 2)).all()
        assert np.array_equal(fmt.encode(sign * middle).codes, even)
        down, up = np.nextafter(middle, dtype(0)), np.nextafter(middle, dtype(np.inf))
        assert np.array_equal(fmt.encode(sign * down).codes, low)
        assert np.array_equal(fmt.encode(sign * up).codes, high)


@pytest.mark.parametrize("name", EVERY_CODE)
def test_every_code_decodes_and_encodes_to_itself(name: str) -> None:
    check_every_code(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in UNSHARED if name not in EVERY_CODE])
def test_every_code_of_every_width(name: str) -> None:
    check_every_code(name)
    check_every_midpoint(name, np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EVERY_CODE)
def test_midpoints_go_to_the_even_code_and_their_neighbours_apart(
    name: str, dtype: type[np.floating]
) -> None:
    if parse(name).max > np.finfo(dtype).max.astype(float):
        dtype = np.float64  # the top binade of e8m<M> is 2^128
    check_every_midpoint(name, dtype)
