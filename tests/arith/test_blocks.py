"""Block formats against the rational definition, block by block."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import rational

from bitwright.arith import parse

PRESETS = ["bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16"]
MX = ["mxfp8_e5m2", "mxfp8_e4m3", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4_e2m1", "mxint8"]
EDGES = ["bfp2_b7", "bfp16_b3", "bm_e1m1_b4", "bm_e5m2_b8", "bm_e8m2_b16", "bl2_b4", "bl5_b1"]
BLOCK_FORMATS = [*PRESETS, *MX, *EDGES]
FLOATS = [np.float32, np.float64]


def check_against_rational(
    name: str, block: int, rows: int, columns: int, dtype: type[np.floating], seed: int
) -> None:
    fmt = parse(name)
    x = rational.numbers(np.random.default_rng(seed), rows, columns, dtype)
    encoded = fmt.encode(x)
    values = fmt.quantize(x)
    largest = float(np.finfo(dtype).max)
    assert np.array_equal(bits_of(values), bits_of(encoded.decode()))
    for i in range(rows):
        for b, start in enumerate(range(0, columns, block)):
            part = slice(start, start + block)
            expected = rational.encode(name, x[i, part].tolist(), largest)
            where = f"row {i}, block {b}: {x[i, part].tolist()}"
            assert encoded.shared.exponents[i, b] == expected.exponent, where
            assert encoded.codes[i, part].tolist() == expected.codes, where
            assert [Fraction(v) for v in values[i, part].tolist()] == expected.values, where


def bits_of(values: NDArray[np.floating]) -> NDArray[np.integer]:
    return values.view(f"i{values.dtype.itemsize}")


@pytest.mark.parametrize("seed", [1], ids="seed{}".format)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_blocks_are_as_defined(name: str, dtype: type[np.floating], seed: int) -> None:
    block = parse(name).block  # type: ignore[attr-defined]
    columns = 3 * block + block // 2 + 1  # a short last block
    check_against_rational(name, block, 2000 // block + 80, columns, dtype, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20), ids="seed{}".format)
@pytest.mark.parametrize("name", BLOCK_FORMATS)
def test_many_more_blocks_are_as_defined(name: str, seed: int) -> None:
    block = parse(name).block  # type: ignore[attr-defined]
    check_against_rational(name, block, 4000, 2 * block + 1, np.float32, seed)
