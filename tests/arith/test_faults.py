"""Faults of other tools that ours does not have: each rule that goes wrong, beside ours.

docs/formats.md names the tools. A rule is written here from its description, in float32 as there.
"""

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import parse

Array = NDArray[np.float32]


def float32(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


def test_one_stays_one_as_a_denormalised_minifloat() -> None:
    # The exponent ceil(log2 1) = 0 leaves no mantissa below 1 for 1 itself: 7/8 is the nearest.
    exponent = np.ceil(np.log2(float32(1.0)))
    mantissa = np.minimum(np.rint(float32(1.0) / 2**exponent * 8), 7) / 8
    assert (2**exponent * mantissa).tolist() == [0.875]
    assert parse("dmf_e4m3").quantize(float32(1.0)).tolist() == [1.0]
    powers = np.exp2(np.arange(-9, 7)).astype(np.float32)
    assert parse("dmf_e4m3").quantize(powers).tolist() == powers.tolist()


def test_a_minifloat_carries_into_the_next_binade() -> None:
    # 1.99 is 15.92/8, rounded 16/8: a mantissa clipped to 7/8 loses the carry.
    clipped = 1 + np.minimum(np.rint((float32(1.99) - 1) * 8), 7) / 8
    assert clipped.tolist() == [1.875]
    assert parse("e4m3").quantize(float32(1.99)).tolist() == [2.0]
    below = np.nextafter(np.exp2(np.arange(-5, 9)).astype(np.float32), np.float32(0))
    assert parse("e4m3").quantize(below).tolist() == np.exp2(np.arange(-5, 9)).tolist()


def test_a_greater_block_has_a_lesser_bias() -> None:
    # With the bias floor(log2 amax) = 7 the greatest value is 1.875 2^(15 - 7); amax may be 255,
    # and of a block up to 4000 the greatest is 1.875 2^(15 - 11): 30.
    amax = float32(4000.0)
    inverted = 1.875 * 2.0 ** (15 - np.floor(np.log2(amax)))
    assert inverted.tolist() == [30.0]
    fmt = parse("bm_e4m3_b16")
    biases = [15 - int(fmt.encode(float32(peak)).shared.exponents[0]) for peak in (1, 255, 4000)]
    assert biases == [15, 8, 4]
    assert fmt.quantize(amax).tolist() == [4096.0 - 256.0]


def test_an_all_zero_block_borrows_nothing_from_its_neighbours() -> None:
    # Where zeros take the least exponent among the other blocks, a tensor's rest changes them.
    x = np.zeros((2, 16), np.float32)
    x[1] = 3.0
    for name in ("bfp8_b16", "bm_e4m3_b16", "bl8_b16"):
        assert parse(name).encode(x).shared.exponents[0].tolist() == [-127]


def test_the_exponent_just_below_a_power_of_two_is_the_lower_one() -> None:
    # A float32 logarithm rounds up to the integer; the scale is then twice as large.
    for exponent in (-100, -20, 4, 20, 100, 127):
        below = np.nextafter(np.float32(2.0) ** np.float32(exponent), np.float32(0))
        assert np.floor(np.log2(below)) == exponent
        found = parse("mxfp8_e4m3").encode(below).shared.exponents.tolist()
        assert found == [max(exponent - 1 - 8, -127)]
