"""Folded thresholds against the unfolded computation, decided by squares of rationals."""

import math
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from bitwright.arith import BatchNorm, apply_thresholds, fold_batch_norm, parse

LOW, HIGH = -700, 700


def below_root(left: Fraction, factor: Fraction, square: Fraction) -> int:
    """The sign of left - factor sqrt(square), the root to far more bits than these numbers have."""
    bits = 400
    low = Fraction(isqrt(int(square * 4**bits)), 2**bits)
    high = low if low * low == square else low + Fraction(1, 2**bits)
    ends = {(left > factor * end) - (left < factor * end) for end in (low, high)}
    assert len(ends) == 1, "the root must be known better"
    return ends.pop()


def unfolded(
    acc: int,
    parameters: tuple[float, ...],
    epsilon: float,
    ends: tuple[float | None, float | None],
    name: str,
    scale: float,
    zero_point: int,
) -> int:
    """The code, searched from the top: y >= edge is gamma v - (edge - beta) root >= 0."""
    gamma, beta, mean, variance, step, bias = (Fraction(p) for p in parameters)
    left = gamma * (step * acc + bias - mean)
    square = variance + Fraction(epsilon)

    def at_least(edge: Fraction, inclusive: bool) -> bool:
        bottom, top = ends
        if bottom is not None and (Fraction(bottom) > edge or (inclusive and bottom == edge)):
            return True
        if top is not None and not (Fraction(top) > edge or (inclusive and top == edge)):
            return False
        sign = below_root(left, edge - beta, square)
        return sign > 0 or (inclusive and sign == 0)

    if name == "binary":
        return int(at_least(Fraction(0), True))
    fmt = parse(name)
    code = fmt.code_low
    while code < fmt.code_high:
        steps = code + 1 - zero_point
        if not at_least((steps - Fraction(1, 2)) * Fraction(scale), steps % 2 == 0):
            break
        code += 1
    return code


@pytest.mark.parametrize("clamp", [(None, None), (0.0, None), (0.0, 6.0), (-1.0, 0.25)], ids=str)
@pytest.mark.parametrize(
    ("name", "scale", "zero_point"),
    [
        ("binary", 1.0, 0),
        ("uint2", 0.5, 0),
        ("uint4", 0.37, 3),
        ("int3", 1.25, -1),
        ("int4", 0.1, 0),
    ],
)
def test_every_accumulator_gets_the_unfolded_code(
    name: str, scale: float, zero_point: int, clamp: tuple[float | None, float | None]
) -> None:
    # Exact ties (roots of 4 and 1/4), falling and constant channels, and channels out of reach.
    gamma = [1.0, -2.0, 0.0, 0.7, -0.013, 1e-9, 3.0, 0.5]
    beta = [0.0, 0.25, 0.5, -1.3, 2.0, 100.0, -1e6, 0.125]
    mean = [0.0, 10.0, 1.0, -30.7, 5.0, 0.0, 0.0, 0.25]
    variance = [4.0, 0.25, 1.0, 1234.5, 0.37, 1.0, 1.0, 4.0]
    step = [0.25, 0.125, 1.0, 0.01, 0.3, 1.0, 1.0, 0.25]
    bias = [0.0, 0.5, 0.0, 1.7, 0.0, 0.0, 0.0, -0.25]
    norm = BatchNorm(gamma=gamma, beta=beta, mean=mean, variance=variance, epsilon=0.0)
    found = fold_batch_norm(
        norm,
        parse(name),
        low=LOW,
        high=HIGH,
        step=step,
        bias=bias,
        clamp=clamp,
        scale=scale,
        zero_point=zero_point,
    )
    every = np.tile(np.arange(LOW, HIGH + 1, 7), (8, 1))
    edges = (found.values * found.direction[:, None])[:, :, None] + np.arange(-1, 2)
    tried = np.concatenate([every, edges.reshape(8, -1).clip(LOW, HIGH)], axis=1)
    codes = apply_thresholds(tried, found, axis=0)
    for channel, parameters in enumerate(zip(gamma, beta, mean, variance, step, bias, strict=True)):
        wanted = [
            unfolded(int(acc), parameters, 0.0, clamp, name, scale, zero_point)
            for acc in tried[channel]
        ]
        assert codes[channel].tolist() == wanted, f"channel {channel}"


@pytest.mark.parametrize("seed", [0, 1], ids="seed{}".format)
def test_random_channels_of_32_bit_accumulators(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 60
    values = {
        "gamma": rng.normal(size=count),
        "beta": rng.normal(size=count),
        "mean": rng.normal(size=count) * 1e4,
        "variance": rng.random(count) * 1e8,
    }
    norm = BatchNorm(**values)
    low, high = -(1 << 31), (1 << 31) - 1
    found = fold_batch_norm(
        norm, parse("uint4"), low=low, high=high, step=2.0**-9, clamp=(0.0, None), scale=0.1
    )
    for channel in range(count):
        parameters = (*(float(values[key][channel]) for key in values), 2.0**-9, 0.0)
        for code, edge in enumerate(found.values[channel].tolist()):
            for directed, wanted in ((edge - 1, code), (edge, code + 1)):
                acc = directed * int(found.direction[channel])
                if not low <= acc <= high:
                    continue
                got = unfolded(acc, parameters, 1e-5, (0.0, None), "uint4", 0.1, 0)
                assert (got >= wanted) if wanted == code + 1 else (got <= code)


def test_float_arithmetic_would_miss_this_tie() -> None:
    # acc / sqrt(variance) - 1/2 reaches 0 where 2 acc >= sqrt(variance): from 1 on up to a variance
    # of 4, from 2 on just above, where the root in float64 is still 2.
    def first(variance: float) -> int:
        norm = BatchNorm(gamma=1.0, beta=-0.5, mean=0.0, variance=variance, epsilon=0.0)
        return int(fold_batch_norm(norm, parse("binary"), low=-9, high=9).values.item())

    above = float(np.nextafter(4.0, 5.0))
    assert np.sqrt(above) == 2.0
    assert (first(4.0), first(above)) == (1, 2)


def test_terms_that_cancel_leave_the_threshold_exact() -> None:
    # (acc - 1e30) / sqrt(2) + 1e30 / sqrt(2) but for what beta rounds: about 1e14 accumulators.
    beta = 1e30 / math.sqrt(2)
    norm = BatchNorm(gamma=1.0, beta=beta, mean=1e30, variance=2.0, epsilon=0.0)
    found = fold_batch_norm(norm, parse("binary"), low=-(1 << 61), high=1 << 61)
    edge = int(found.values.item())
    parameters = (1.0, beta, 1e30, 2.0, 1.0, 0.0)
    ends = (None, None)
    assert abs(edge) > 1 << 40
    assert unfolded(edge, parameters, 0.0, ends, "binary", 1.0, 0) == 1
    assert unfolded(edge - 1, parameters, 0.0, ends, "binary", 1.0, 0) == 0


def test_unusable_parameters_are_named() -> None:
    fine = {"gamma": [1.0, 2.0], "beta": 0.0, "mean": 0.0, "variance": 1.0}

    def fold(output: str = "binary", **changed: object) -> None:
        options = {
            key: changed.pop(key) for key in ("scale", "zero_point", "step") if key in changed
        }
        norm = BatchNorm(**fine | changed)  # type: ignore[arg-type]
        fold_batch_norm(norm, parse(output), low=-9, high=9, **options)  # type: ignore[arg-type]

    for changed, message in [
        ({"variance": -1.0}, r"variance \+ epsilon must be positive, but is -0\.99999"),
        ({"beta": [1.0, 2.0, 3.0]}, "beta must have 2 numbers, as gamma has, but has 3"),
        ({"step": np.inf}, "step must be finite"),
        ({"output": "int8"}, "up to 4 bits, not int8"),
        ({"output": "uint4", "scale": 0.0}, "scale must be positive"),
        ({"output": "uint4", "zero_point": 16}, "zero_point must be a code of uint4, but is 16"),
    ]:
        with pytest.raises(ValueError, match=message):
            fold(**changed)  # type: ignore[arg-type]
