from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.arith import rational

from bitwright.arith import parse

NVFP4 = parse("nvfp4")


def check(x: NDArray[np.floating]) -> None:
    encoded = NVFP4.encode(x)
    values = NVFP4.quantize(x)
    assert np.array_equal(values, encoded.decode())
    finite = x[np.isfinite(x)]
    tensor = rational.tensor_scale_nvfp4(Fraction(float(np.abs(finite).max(initial=0))))
    assert Fraction(float(encoded.shared.tensor_scale)) == tensor
    for i in range(len(x)):
        for b, start in enumerate(range(0, x.shape[1], 16)):
            part = slice(start, start + 16)
            scale, codes, exact = rational.nvfp4_block(x[i, part].tolist(), tensor)
            assert encoded.shared.block_codes[i, b] == scale, x[i, part].tolist()
            assert encoded.codes[i, part].tolist() == codes, x[i, part].tolist()
            if x.dtype == np.float64:  # products have 30 bits
                assert [Fraction(v) for v in values[i, part].tolist()] == exact
            else:
                rounded = np.array([float(v) for v in exact]).astype(np.float32)
                assert np.array_equal(values[i, part], rounded)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4), ids="seed{}".format)
def test_tensors_are_as_defined(seed: int, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(seed)
    check((rng.normal(size=(40, 40)) * np.exp2(rng.integers(-14, 3, (40, 1)))).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(40), ids="seed{}".format)
def test_hard_numbers_are_as_defined(seed: int, dtype: type[np.floating]) -> None:
    check(rational.numbers(np.random.default_rng(seed), 3, 20, dtype))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140), ids="seed{}".format)
def test_many_more_tensors_are_as_defined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    check((rng.normal(size=(200, 80)) * np.exp2(rng.integers(-14, 3, (200, 1)))).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3), ids="seed{}".format)
def test_ties_and_their_neighbours(seed: int, dtype: type[np.floating]) -> None:
    # Multiples of 1/4 of block scale and tensor scale, as near as floats come, and beside.
    rng = np.random.default_rng(seed)
    tensor = np.float32(rng.uniform(1, 2))
    peak = 2688 * np.float64(tensor)
    row = rng.integers(-24, 25, (50, 14)) / 4 * rng.integers(8, 16, (50, 1)) * np.float64(tensor)
    greatest = 6 * rng.integers(8, 16, (50, 1)) * np.float64(tensor)
    x = np.concatenate([greatest, row, greatest * 0], axis=1).astype(dtype)
    x[0, -1] = peak
    beside = np.nextafter(x, rng.choice([-np.inf, np.inf], x.shape).astype(dtype))
    check(np.concatenate([x, beside]))


def test_a_block_scale_of_zero_leaves_zeros() -> None:
    x = np.zeros((2, 16), np.float32)
    x[0], x[1] = 2688.0, -0.001  # 0.001 / 6 is below half the least fp8_e4m3, 2^-10
    encoded = NVFP4.encode(x)
    assert encoded.shared.block_codes.tolist() == [[0x7E], [0]]
    assert encoded.codes[1].tolist() == [0b1000] * 16
    assert not encoded.decode()[1].any()


def test_zeros_and_the_ends_of_float32() -> None:
    assert NVFP4.encode(np.zeros(3)).shared.tensor_scale == 1
    info = np.finfo(np.float32)
    top = NVFP4.encode(np.array([info.max, info.min]))
    assert np.isfinite(top.decode().astype(np.float32)).all()
    assert NVFP4.encode(np.array([1e300])).shared.tensor_scale == top.shared.tensor_scale
    assert NVFP4.encode(info.smallest_subnormal).shared.tensor_scale == info.tiny


def test_infinities_do_not_count_in_the_tensor_scale() -> None:
    encoded = NVFP4.encode([2688.0, -np.inf])
    assert encoded.shared.tensor_scale == 1
    assert encoded.decode().tolist() == [2688.0, -2688.0]


def test_shared_bytes_are_block_scales_then_a_float32() -> None:
    encoded = NVFP4.encode(np.float32([2688.0, 1.0]))
    assert NVFP4.pack_shared(encoded.shared).tolist() == [0x7E, 0, 0, 0x80, 0x3F]
    assert NVFP4.bits_per_element(32) == 4 + 0.5 + 1
    with pytest.raises(ValueError, match="the tensor scale must be positive and normal"):
        encoded.unpack([7, 0x7E, 0, 0, 0, 0])
