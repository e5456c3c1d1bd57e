from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from bitwright.arith import (
    Thresholds,
    apply_thresholds,
    build_lookup,
    find_thresholds,
    parse,
    requantize,
)
from bitwright.arith.lookup import sigmoid

ROUNDINGS = ["half_up", "half_even", "half_away", "floor"]


def table(*rows: list[int], direction: int = 1, first: int = 0) -> Thresholds:
    return Thresholds(values=np.array(rows), direction=np.full(len(rows), direction), first=first)


def test_a_code_counts_the_thresholds_reached() -> None:
    acc = np.arange(-6, 7)
    counts = [sum(t <= a for t in (-3, 0, 0, 5)) for a in range(-6, 7)]
    assert apply_thresholds(acc[:, None], table([-3, 0, 0, 5])).ravel().tolist() == counts
    falling = [-2 + sum(t <= -a for t in (-3, 0, 5)) for a in range(-6, 7)]
    found = apply_thresholds(acc[:, None], table([-3, 0, 5], direction=-1, first=-2))
    assert found.ravel().tolist() == falling


def test_channels_lie_along_the_axis_given() -> None:
    acc = np.arange(24).reshape(2, 3, 4)
    rows = table([5], [9], [13])
    wanted = np.stack([acc[:, c] >= t for c, t in enumerate((5, 9, 13))], axis=1)
    assert np.array_equal(apply_thresholds(acc, rows), wanted)
    assert np.array_equal(
        apply_thresholds(acc.transpose(0, 2, 1), rows, axis=-1), wanted.transpose(0, 2, 1)
    )


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("signed", [False, True])
def test_requantisation_is_found_for_every_accumulator(
    rounding: str, bits: int, signed: bool
) -> None:
    multiplier, bias = np.array([[1], [37], [1000], [0]]), np.array([[0], [-300], [77], [5]])

    def code(acc: NDArray[np.int64]) -> NDArray[np.int64]:
        zero = -1 if signed else 1
        return requantize(acc + bias, multiplier, 10, zero, rounding, bits=bits, signed=signed)

    check(code, 4, -3000, 3000, -(1 << bits - 1) if signed else 0, bits)


def test_falling_functions_turn_the_comparison() -> None:
    signs = np.array([[-1], [1], [-1]])

    def code(acc: NDArray[np.int64]) -> NDArray[np.int64]:
        return requantize(acc * signs, np.array([[3], [5], [0]]), 6, bits=4)

    found = check(code, 3, -500, 700, -8, 4)
    assert found.direction.tolist() == [-1, 1, 1]


def test_a_look_up_behind_requantisation_folds_too() -> None:
    inputs = parse("int8").encode([0.0], scale=0.05)
    lookup = build_lookup(sigmoid, inputs, parse("uint3"), scale=1 / 7)

    def code(acc: NDArray[np.int64]) -> NDArray[np.int64]:
        return lookup.apply(requantize(acc, 77, 10)).astype(np.int64)

    check(code, 1, -4000, 4000, 0, 3)


def check(
    code: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    channels: int,
    low: int,
    high: int,
    first: int,
    bits: int,
) -> Thresholds:
    found = find_thresholds(code, channels, low, high, first, first + (1 << bits) - 1)
    every = np.tile(np.arange(low, high + 1), (channels, 1))
    assert np.array_equal(apply_thresholds(every, found, axis=0), code(every))
    return found


def test_accumulators_of_62_bits_are_searched() -> None:
    def code(acc: NDArray[np.int64]) -> NDArray[np.int64]:
        return (acc >= 3 * 10**17).astype(np.int64)

    found = find_thresholds(code, 1, -(1 << 61), 1 << 61, 0, 1)
    assert found.values.tolist() == [[3 * 10**17]]


@pytest.mark.parametrize(
    ("values", "direction", "message"),
    [
        ([[3, 2]], [1], r"must ascend, but those of channel 0 are \[3, 2\]"),
        ([[1]], [0], "direction must be 1 or -1 for each of 1 channels"),
        ([[1] * 16], [1], r"1\.\.15 thresholds, not 16"),
    ],
)
def test_impossible_thresholds_are_refused(
    values: list[list[int]], direction: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Thresholds(values=np.array(values), direction=np.array(direction))


def test_misfits_are_named() -> None:
    with pytest.raises(ValueError, match=r"must have the 1 channels .* along axis 1.*\(2, 3\)"):
        apply_thresholds(np.zeros((2, 3), int), table([1]))
    with pytest.raises(ValueError, match="acc must lie in"):
        apply_thresholds(np.array([[-(1 << 63)]]), table([1]))
    with pytest.raises(ValueError, match=r"low\.\.high must be a range within 62 bits"):
        find_thresholds(lambda acc: acc, 1, 5, 4, 0, 1)
