import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith import Fixed, Integer, pack_bits, parse, unpack_bits


def as_bytes(codes: NDArray[np.integer], bits: int) -> bytes:
    """The stream as one large integer, element i at bit i ``bits``."""
    number = sum((int(q) & ((1 << bits) - 1)) << (i * bits) for i, q in enumerate(codes.flat))
    return number.to_bytes((codes.size * bits + 7) // 8, "little")


def extremes(bits: int, signed: bool) -> NDArray[np.int64]:
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits) - 1
    rng = np.random.default_rng(bits)
    return np.concatenate([[low, high, 0, low, high], rng.integers(low, high, 8, endpoint=True)])


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("bits", range(1, 33))
def test_the_stream_is_one_large_integer(bits: int, signed: bool) -> None:
    for count in range(14):
        codes = extremes(bits, signed)[:count]
        data = pack_bits(codes, bits)
        assert data.dtype == np.uint8
        assert data.tobytes() == as_bytes(codes, bits)
        assert np.array_equal(unpack_bits(data, bits, count, signed), codes)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("bits", range(1, 17))
def test_every_code_comes_back(bits: int, signed: bool) -> None:
    low = -(1 << (bits - 1)) if signed else 0
    codes = np.arange(low, low + (1 << bits))
    assert np.array_equal(unpack_bits(pack_bits(codes, bits), bits, 1 << bits, signed), codes)


@pytest.mark.parametrize("name", ["int3", "uint8", "int16", "fix5.2", "ufix12.20", "fix32.0"])
def test_an_encoded_array_comes_back_with_its_shape_and_values(name: str) -> None:
    fmt = parse(name)
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32) * fmt.max
    encoded = fmt.encode(x)
    again = encoded.unpack(encoded.pack())
    assert len(encoded.pack()) == -(-15 * fmt.bits // 8)
    assert again.codes.dtype == encoded.codes.dtype
    assert np.array_equal(again.codes, encoded.codes)
    assert np.array_equal(again.decode(), encoded.decode())


def test_nibbles_lie_low_first() -> None:
    assert Integer(4).pack([1, 2, -1]).tolist() == [0x21, 0x0F]


def test_int8_is_its_own_bytes() -> None:
    codes = np.arange(-128, 128).astype(np.int8)
    assert Integer(8).pack(codes).tobytes() == codes.tobytes()


def test_strided_codes_are_taken_in_c_order() -> None:
    codes = np.arange(12).reshape(3, 4)
    assert np.array_equal(pack_bits(codes.T, 4), pack_bits(codes.T.copy(), 4))


def test_bad_streams_and_codes_are_named() -> None:
    with pytest.raises(ValueError, match=r"int4 codes must lie in -8\.\.7, but 8 at index \(1,\)"):
        Integer(4).pack([0, 8])
    with pytest.raises(ValueError, match=r"ufix4\.2 codes must lie in 0\.\.15, but -1"):
        Fixed(4, 2, signed=False).pack([-1])
    with pytest.raises(ValueError, match=r"codes must lie in -8\.\.15, but 16"):
        pack_bits([16], 4)
    with pytest.raises(
        ValueError, match=r"3 codes of 4 bits are 2 bytes, but data has shape \(3,\)"
    ):
        unpack_bits([0, 0, 0], 4, 3, signed=True)
    with pytest.raises(ValueError, match="the bits after 1 codes of 4 bits must be zero"):
        unpack_bits([0x10], 4, 1, signed=True)
    with pytest.raises(ValueError, match=r"data must lie in 0\.\.255, but 256"):
        unpack_bits([256], 8, 1, signed=True)
    with pytest.raises(ValueError, match=r"bits must lie in 1\.\.32, but is 33"):
        pack_bits([0], 33)
    with pytest.raises(TypeError, match="codes must be integers"):
        pack_bits([0.5], 8)
