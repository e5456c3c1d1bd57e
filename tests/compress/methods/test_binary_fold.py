"""Folded batch normalisation against rational arithmetic, for every accumulator there is."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from bitwright.arith import Rounding, requantize
from bitwright.compress.fake import FakeQuantize
from bitwright.compress.methods.binary_fold import Settled, fold_signs, step_of
from bitwright.compress.methods.binary_layers import Signs

K = 96


def norm_of(gamma: list[float], beta: list[float], mean: list[float], var: list[float]):
    """A batch normalisation in evaluation mode, its epsilon zero so that ties can be made."""
    norm = nn.BatchNorm1d(len(gamma), eps=0.0).eval()
    with torch.no_grad():
        for tensor, values in (
            (norm.weight, gamma),
            (norm.bias, beta),
            (norm.running_mean, mean),
            (norm.running_var, var),
        ):
            tensor.copy_(torch.tensor(values))
    return norm


def exact_bit(acc: int, step: float, gamma: float, beta: float, mean: float, var: float) -> int:
    """1 if gamma (step acc - mean) + beta sqrt(var) >= 0, decided by squares."""
    left = Fraction(gamma) * (Fraction(step) * acc - Fraction(mean))
    right = -Fraction(beta)

    def signed_square(value: Fraction) -> Fraction:
        return value * abs(value)

    return int(signed_square(left) >= signed_square(right) * Fraction(var))


CASES = {
    "rising": (1.0, 0.3, 4.0, 9.0),
    "falling": (-0.7, 0.3, 4.0, 9.0),
    "tie at zero, rising": (2.0, 1.0, 5.0, 4.0),  # zero at acc = 4
    "tie at zero, falling": (-2.0, 1.0, 5.0, 4.0),  # zero at acc = 6
    "tie with an irrational root": (1.0, 0.0, 6.0, 2.0),  # zero at acc = 6
    "gamma zero, always": (0.0, 0.25, 3.0, 1.0),
    "gamma zero, never": (0.0, -0.25, 3.0, 1.0),
    "gamma zero, tie": (0.0, 0.0, 3.0, 1.0),
    "beyond the greatest": (1.0, -1000.0, 0.0, 1.0),
    "below the least": (1.0, 1000.0, 0.0, 1.0),
    "tiny gamma": (-1e-20, 1e-21, 0.0, 3.0),
}


@pytest.mark.parametrize("step", [1.0, 0.125, 1 / 255], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_fold_gives_the_bit_of_every_accumulator(case: str, step: float) -> None:
    gamma, beta, mean, var = (float(np.float32(value)) for value in CASES[case])
    found = fold_signs(norm_of([gamma], [beta], [mean], [var]), Signs(), np.array([step]), -K, K)
    bits = [int(found.value[0] <= found.direction[0] * acc) for acc in range(-K, K + 1)]
    assert bits == [exact_bit(acc, step, gamma, beta, mean, var) for acc in range(-K, K + 1)]


def test_learned_threshold_folds_exactly() -> None:
    """-1e-9 + 1 is 1 in float32 and in few steps of float64: the difference is not rounded."""
    signs = Signs(0.0, channels=2)
    with torch.no_grad():
        signs.threshold.copy_(torch.tensor([1.0, -1.0]))
    norm = norm_of([1.0, -1.0], [1e-25, 1e-25], [0.0, 0.0], [1.0, 1.0])
    found = fold_signs(norm, signs, np.ones(2), -K, K)
    # acc + 1e-25 >= 1 from 1 on; -acc + 1e-25 >= -1 down from 1.
    assert (found.value * found.direction).tolist() == [1, 1]
    with torch.no_grad():
        norm.bias.fill_(-1e-25)
    found = fold_signs(norm, signs, np.ones(2), -K, K)
    assert (found.value * found.direction).tolist() == [2, 0]


def test_signs_without_a_batch_norm() -> None:
    found = fold_signs(None, Signs(2.5), np.ones(3), -K, K)
    assert found.value.tolist() == [3, 3, 3]


@pytest.mark.parametrize("fmt", ["int8", "uint2", "uint4"])
def test_settled_computes_what_the_integers_do(fmt: str) -> None:
    generator = np.random.default_rng(5)
    gamma = generator.normal(size=16).astype(np.float32)
    norm = norm_of(
        list(gamma),
        list(generator.normal(size=16)),
        list(generator.normal(scale=20, size=16)),
        list(generator.uniform(1, 900, size=16)),
    )
    step = np.full(16, 0.25)
    zero_point = 0 if fmt.startswith("u") else None
    settled = Settled(norm, step, FakeQuantize(fmt, scale=0.125, zero_point=zero_point))
    acc = np.arange(-K, K + 1)[:, np.newaxis].repeat(16, axis=1)
    values = settled(torch.from_numpy(acc * step).float()).numpy()
    r, q = settled.requantization(), settled.quantization()
    codes = requantize(
        acc * settled.direction.numpy() + settled.bias.numpy(),
        r.multiplier,
        r.shift,
        q.zero_point,
        Rounding.HALF_UP,
        q.bits,
        low=r.low,
        high=r.high,
    )
    assert np.array_equal((codes - q.zero_point) * q.scale, values)
    # And near to what it stands for: half a code, half a unit of bias, and the multiplier's 2^-16.
    plain = norm(torch.from_numpy(acc * step).float()).detach().numpy()
    slope = np.abs(gamma) / np.sqrt(norm.running_var.numpy()) * 0.25
    inside = (plain > (r.low - q.zero_point) * q.scale) & (
        plain < (r.high - q.zero_point) * q.scale
    )
    assert inside.any()
    assert (np.abs(values - plain) <= 0.0625 + slope / 2 + 1e-3)[inside].all()


def test_channel_that_depends_on_nothing_is_refused() -> None:
    norm = norm_of([1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="channel 1 does not depend on its inputs"):
        Settled(norm, np.ones(2), FakeQuantize("int8", scale=0.125))


def test_codes_need_one_scale() -> None:
    with pytest.raises(ValueError, match="of one given scale, not FakeQuantize"):
        step_of(FakeQuantize("int8"))
    with pytest.raises(ValueError, match="of one given scale"):
        step_of(FakeQuantize("binary", scale=0.5))


def test_batch_norm_without_statistics_is_refused() -> None:
    norm = nn.BatchNorm1d(2, track_running_stats=False)
    with pytest.raises(ValueError, match="without running statistics does not fold"):
        fold_signs(norm, Signs(), np.ones(2), -K, K)
