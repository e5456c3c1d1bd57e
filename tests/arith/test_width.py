"""The proof of accumulator widths: never exceeded, and reached where the formula says so."""

from itertools import accumulate
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith import (
    Encoded,
    ExponentWindow,
    accumulator_bits,
    accumulator_width,
    conv2d,
    dot,
    encode_within,
    parse,
)

K = 48
WINDOW = ExponentWindow(-20, 1)
EXACT = ["int8", "fix8.7", "ternary", "binary", "codebook16", "e4m3", "fp8_e4m3", "dmf_e4m3"]
ROUNDED = ["e5m2", "pow8", "bfp8_b16", "bm_e4m3_b16", "bl8_b16", "mxint8", "mxfp4_e2m1"]
LOPSIDED = ["int8", "fix8.7", "mxint8", "codebook16"]
"""Formats in which the greatest magnitude has no positive partner."""


def weights(name: str, seed: int = 0, rows: int = 5) -> Encoded[Any]:
    return parse(name).encode(np.random.default_rng(seed).normal(size=(rows, K)))


def worst(name: str, weight: Encoded[Any], row: int) -> NDArray[np.float64]:
    """The greatest activations, each with the sign of its weight."""
    signs = np.where(np.asarray(weight.decode()[row]) < 0, -1.0, 1.0)
    return signs * 1e30


def encoded(name: str, x: NDArray[np.float64]) -> Encoded[Any]:
    fmt: Any = parse(name)
    if hasattr(fmt, "block"):
        return encode_within(fmt, x, WINDOW).encoded
    if name in ("int8", "pow8", "pow4"):
        return fmt.encode(x, scale=1.0)
    if name == "codebook16":
        return fmt.encode(x, centroids=np.linspace(-127, 127, 16))
    return fmt.encode(x)


@pytest.mark.parametrize("seed", [3], ids="seed{}".format)
@pytest.mark.parametrize("name_w", [*EXACT, *ROUNDED])
@pytest.mark.parametrize("name", [*EXACT, *ROUNDED])
def test_no_activations_exceed_it(name: str, name_w: str, seed: int) -> None:
    weight = weights(name_w)
    lsb = None if name in EXACT and name_w in EXACT else -4
    window = WINDOW if hasattr(parse(name), "block") else None
    width = accumulator_width(weight, parse(name), lsb=lsb, window=window)
    rng = np.random.default_rng(seed)
    rows = [worst(name, weight, row) for row in range(5)]
    rows += [rng.normal(size=K) * 10.0**power for power in range(-3, 6)]
    found = dot(encoded(name, np.array(rows)), weight, lsb=lsb)
    greatest = int(np.abs(found.acc).max())
    assert greatest <= found.bound <= width.bound < 1 << (width.bits - 1)
    assert found.lsb == width.lsb
    if name not in LOPSIDED:
        assert greatest == width.bound


@pytest.mark.parametrize("bias", [None, [3, -70000, 1 << 20, 0, 5]])
def test_exact_integers_have_the_width_of_accumulator_bits(bias: list[int] | None) -> None:
    weight = weights("int8")
    for zero_point, low, high in [(0, -128, 127), (5, -133, 122), (-128, 0, 255)]:
        width = accumulator_width(weight, parse("int8"), bias=bias, zero_point=zero_point)
        assert width.bits == accumulator_bits(weight.codes, bias, low, high)


@pytest.mark.parametrize("name", ["int8", "e5m2", "bfp8_b16", "bl8_b16"])
def test_prefixes_in_any_order_stay_inside(name: str) -> None:
    weight = weights(name, rows=1)
    lsb = None if name == "int8" else -3
    window = WINDOW if hasattr(parse(name), "block") else None
    bound = accumulator_width(weight, parse(name), lsb=lsb, window=window).bound
    rng = np.random.default_rng(0)
    x = encoded(name, worst(name, weight, 0) * rng.choice([-1, 1], K))
    parts = []
    for start in range(0, K, 16):
        one_x, one_w = (
            parse(name).encode(
                array.decode()[..., start : start + 16],
                **({"scale": array.shared.scale} if name == "int8" else {}),
            )
            for array in (x, weight)
        )
        parts.append(int(dot(one_x, one_w, lsb=lsb).acc.item()))
    for order in (parts, parts[::-1]):
        assert all(abs(total) <= bound for total in accumulate(order))


def test_kernels_begin_their_blocks_at_each_tap() -> None:
    rng = np.random.default_rng(0)
    fmt = parse("bfp8_b4")
    w = fmt.encode(rng.normal(size=(3, 6, 2, 2)), axis=1)
    width = accumulator_width(w, fmt, lsb=-3, window=WINDOW)
    signs = np.where(w.decode()[:1] < 0, -1.0, 1.0)
    x = encode_within(fmt, signs * 1e30, WINDOW, axis=1)
    alone = accumulator_width(fmt.encode(w.decode()[:1], axis=1), fmt, lsb=-3, window=WINDOW)
    assert x.saturated == 8
    assert conv2d(x.encoded, w, lsb=-3).acc[0, 0, 0, 0] == alone.bound <= width.bound


def test_a_bias_counts_with_its_own_output() -> None:
    weight = parse("int8").encode([[1.0, 1.0], [100.0, 100.0]], scale=1.0)
    width = accumulator_width(weight, parse("uint8"), bias=[40000, 0])
    assert width.bound == max(2 * 255 + 40000, 200 * 255)


def test_what_a_proof_needs_is_asked_for() -> None:
    weight = weights("bfp8_b16")
    with pytest.raises(ValueError, match=r"bounded only by a window.*give window=ExponentWindow"):
        accumulator_width(weight, parse("bfp8_b16"), lsb=0)
    with pytest.raises(ValueError, match=r"exponents of their own; give lsb.* lsb=-15 keeps"):
        accumulator_width(weight, parse("bfp8_b16"), window=ExponentWindow(-9, 9))
    with pytest.raises(ValueError, match=r"zero_point is for int<N> and uint<N>, not bfp8_b16"):
        accumulator_width(weight, parse("bfp8_b16"), zero_point=1)
    with pytest.raises(ValueError, match=r"weight must be \(O, K\)"):
        accumulator_width(parse("int8").encode([1.0]), parse("int8"))
