"""The post-processing lane: every rounding against `bitwright.arith`, corners first."""

import os

import cocotb
import numpy as np
from tests.cocotb.clocked import reset, signed, step

from bitwright.arith import requantize, requantize_sum
from bitwright.isa import Architecture
from bitwright.isa.instructions import RoundingCode
from bitwright.rtl.config import LaneConfig, ParameterRecord
from bitwright.rtl.lane import Lane

LOW, HIGH = -(1 << 31), (1 << 31) - 1
ARCHITECTURE = Architecture(
    rows=4, columns=4, roundings=("half_up", "half_even", "half_away", "floor", "trunc")
)
COLUMNS = ("acc", "bias", "multiplier", "shift", "residual", "residual_multiplier")


def ties(residual_zero_point):
    """Sums at, just below and just above every half, for every shift and both signs."""
    vectors = []
    for shift in range(63):
        for odd in (1, 3, 5, -1, -3, -5):
            # odd 2^(shift-1) = (odd 2^p) 2^q; what the product cannot hold is left out.
            q = min(shift - 1, 30) if shift else 0
            p = max(shift - 1 - q, 0)
            if not LOW <= odd << p <= HIGH:
                continue
            vectors += [
                (odd << p, 0, 1 << q, shift, residual_zero_point + nudge, 1) for nudge in (-1, 0, 1)
            ]
    return vectors


def corners(residual_zero_point):
    """The ends of every operand, shifts 0 and 62, and biases that leave the accumulator's range."""
    sums = [(LOW, 0), (HIGH, 0), (0, LOW), (0, HIGH), (HIGH, LOW), (LOW, HIGH), (0, 0), (-1, 0)]
    sums += [(LOW, 1), (HIGH, -1), (LOW // 2, LOW // 2), (1 << 30, (1 << 30) - 1)]
    vectors = []
    for acc, bias in sums:
        for multiplier in (0, 1, 2, HIGH - 1, HIGH):
            for shift in (0, 1, 2, 30, 31, 32, 61, 62):
                vectors += [
                    (acc, bias, multiplier, shift, -128, HIGH),
                    (acc, bias, multiplier, shift, 127, HIGH),
                    (acc, bias, multiplier, shift, residual_zero_point, HIGH),
                ]
    return vectors


def small_multipliers():
    """Quotients around the lane's inner saturation, with either zero point."""
    return [
        (value + nudge, 0, 1, shift, 0, 0)
        for value in (-(1 << 15), -(1 << 14), -300, -256, -128, 127, 255, 300, 1 << 14, 1 << 15)
        for nudge in (-1, 0, 1)
        for shift in (0, 1)
    ]


def random_vectors(rng, count):
    """Scales that bring a sum of any magnitude near the codes, as a network's do."""
    bits = rng.integers(1, 32, count)
    acc = np.array([int(rng.integers(-(1 << b - 1), 1 << b - 1)) for b in bits])
    multiplier = rng.integers(0, 1 << rng.integers(1, 32, count))
    size = np.array([int(a) * int(m) for a, m in zip(acc, multiplier, strict=True)], object)
    shift = np.array(
        [min(max(abs(s).bit_length() - int(rng.integers(3, 10)), 0), 62) for s in size]
    )
    bias = rng.integers(-3000, 3000, count)
    bias = np.clip(acc + bias, LOW, HIGH) - acc
    residual = rng.integers(-128, 128, count)
    residual_multiplier = rng.integers(0, np.minimum(1 << np.minimum(shift + 1, 31), 1 << 31))
    return list(zip(acc, bias, multiplier, shift, residual, residual_multiplier, strict=True))


def expected(vectors, config):
    """The twin's codes for vectors (n, 6) under one configuration."""
    acc, bias, multiplier, shift, residual, residual_multiplier = np.array(vectors, np.int64).T
    common = {
        "zero_point": config["zero_point"],
        "rounding": RoundingCode(config["rounding"]).name,
        "low": config["low"],
        "high": config["high"],
    }
    if not config["residual"]:
        return requantize(acc + bias, multiplier, shift, **common)
    centred = residual - config["residual_zero_point"]
    return requantize_sum(acc + bias, multiplier, centred, residual_multiplier, shift, **common)


async def compare(dut, vectors, config):
    """Feed a vector per cycle under one configuration; each code appears `Lane.LATENCY` later."""
    dut.config.value = LaneConfig().const(config).as_bits()
    codes = expected(vectors, config)
    await step(dut)
    for cycle in range(len(vectors) + Lane.LATENCY):
        if cycle >= Lane.LATENCY:
            vector = vectors[cycle - Lane.LATENCY]
            got, want = signed(int(dut.code.value), 8), int(codes[cycle - Lane.LATENCY])
            named = dict(zip(COLUMNS, map(int, vector), strict=True))
            assert got == want, f"got {got}, expected {want} of {named} under {config}"
        if cycle < len(vectors):
            acc, bias, multiplier, shift, residual, residual_multiplier = map(int, vectors[cycle])
            dut.acc.value, dut.residual.value = acc, residual
            dut.parameters.value = (
                (bias & 0xFFFF_FFFF) | multiplier << 32 | residual_multiplier << 64 | shift << 96
            )
        await step(dut)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(rounding=list(RoundingCode))
async def codes_match_arith(dut, rounding):
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]) + rounding)
    await reset(dut)
    # (residual, its zero point, output zero point, low, high)
    for residual, residual_zero_point, zero_point, low, high, vectors in (
        (1, 0, 0, -128, 127, ties(0)),
        (1, -128, 3, -128, 127, corners(-128)),
        (0, 0, 0, -128, 127, small_multipliers()),
        (0, 0, 127, -128, 127, small_multipliers()),
        (0, 0, -128, -128, 127, small_multipliers()),
        (0, 5, -7, -7, 40, random_vectors(rng, 700)),
        (1, 127, 11, -128, 127, random_vectors(rng, 700)),
        (1, -128, -128, -100, -100, random_vectors(rng, 100)),
        (0, 0, 0, -128, 127, random_vectors(rng, 1000)),
    ):
        config = {
            "rounding": int(rounding),
            "residual": residual,
            "residual_zero_point": residual_zero_point,
            "zero_point": zero_point,
            "low": low,
            "high": high,
        }
        await compare(dut, vectors, config)


def test_parameter_record_is_as_the_bench_packs_it():
    fields = {"bias": 1, "multiplier": 2, "residual_multiplier": 3, "shift": 4}
    packed = ParameterRecord().const(fields).as_bits()
    assert packed == 1 | 2 << 32 | 3 << 64 | 4 << 96


def test_lane_matches_arith_in_every_rounding(bench):
    result = bench(Lane(ARCHITECTURE))
    assert len(result.tests) == len(RoundingCode)
