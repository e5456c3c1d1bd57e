"""Low-bit outputs by comparison: the code is how many thresholds an accumulator has reached.

Whatever monotone function follows the accumulator (bias, batch norm, activation, requantisation),
a few integers per channel replace it, without an error anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.checks import Integers, as_integers, check_range
from bitwright.arith.format import check_axis

MAX_BITS = 4
"""Widest output: 15 thresholds per channel."""
_LIMIT = 1 << 62
"""Accumulators up to it can be negated, and one added."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """Codes first + sum_i (T_i <= direction acc), per channel."""

    values: Integers
    """T (C, n), ascending along the second axis; n is at most 15."""
    direction: Integers
    """1 or -1 per channel (C,): -1 where the code falls as the accumulator rises."""
    first: int = 0
    """The code below all thresholds."""

    def __post_init__(self) -> None:
        channels, count = self.values.shape
        if not 1 <= count < 1 << MAX_BITS:
            raise ValueError(
                f"a code of up to {MAX_BITS} bits has 1..{(1 << MAX_BITS) - 1} thresholds, "
                f"not {count}"
            )
        if self.direction.shape != (channels,) or (np.abs(self.direction) != 1).any():
            raise ValueError(f"direction must be 1 or -1 for each of {channels} channels")
        if (np.diff(self.values, axis=1) < 0).any():
            channel = int(np.argwhere(np.diff(self.values, axis=1) < 0)[0, 0])
            raise ValueError(
                f"thresholds must ascend, but those of channel {channel} are "
                f"{self.values[channel].tolist()}"
            )


def apply_thresholds(acc: ArrayLike, thresholds: Thresholds, axis: int = 1) -> Integers:
    """Compute first + sum_i (T_i <= direction acc) with the channels along ``axis``.

    ValueError unless acc has as many channels as there are thresholds and lies within 2^62.

    >>> rows = Thresholds(values=np.array([[-4, 0, 9]]), direction=np.array([1]))
    >>> apply_thresholds([[-5], [-4], [8], [9]], rows).ravel()
    array([0, 1, 2, 3])
    """
    sums = as_integers("acc", acc)
    check_range("acc", sums, -_LIMIT, _LIMIT)
    place = check_axis("axis", axis, sums.ndim)
    channels = len(thresholds.values)
    if sums.ndim == 0 or sums.shape[place] != channels:
        raise ValueError(
            f"acc must have the {channels} channels of the thresholds along axis {axis}, but has "
            f"shape {sums.shape}"
        )
    shape = [channels if i == place else 1 for i in range(sums.ndim)]
    directed = sums * thresholds.direction.reshape(shape)
    codes = np.full(sums.shape, thresholds.first, np.int64)
    for column in thresholds.values.T:
        codes += column.reshape(shape) <= directed
    return codes


def find_thresholds(
    code: Callable[[Integers], Integers], channels: int, low: int, high: int, first: int, last: int
) -> Thresholds:
    """Give the thresholds that compute ``code(acc)`` for every accumulator in low..high.

    ``code`` maps accumulators (C, n) to codes (C, n) in first..last, rising or falling with the
    accumulator (of one channel either or). It is called some 64 times, with n = last - first:
    however it computes (requantize, a look-up, a chain of both), the result equals it in every bit.

    >>> from bitwright.arith import requantize
    >>> relu = lambda acc: requantize(acc, 5, 6, bits=2, signed=False)  # round(acc 5 / 64)
    >>> find_thresholds(relu, 1, -1000, 1000, 0, 3).values  # halves round up: 6.4, 19.2, 32
    array([[ 7, 20, 32]])
    """
    if low > high or max(-low, high) > _LIMIT:
        raise ValueError(f"low..high must be a range within 62 bits, but is {low}..{high}")
    ends = code(np.tile(np.array([low, high]), (channels, 1)))
    direction = np.where(ends[:, 0] > ends[:, 1], -1, 1)
    wanted = np.tile(np.arange(first + 1, last + 1), (channels, 1))
    # Of direction acc: the greatest known below the code, and the least known to reach it; to
    # begin with one below and one above all there are.
    below = wanted * 0 + np.where(direction == 1, low, -high)[:, np.newaxis] - 1
    reached = wanted * 0 + np.where(direction == 1, high, -low)[:, np.newaxis] + 1
    while (reached - below > 1).any():
        middle = (below + reached) >> 1
        has = code((middle * direction[:, np.newaxis]).clip(low, high)) >= wanted
        undecided = reached - below > 1
        reached = np.where(undecided & has, middle, reached)
        below = np.where(undecided & ~has, middle, below)
    return Thresholds(values=reached, direction=direction, first=first)
