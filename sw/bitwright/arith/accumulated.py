"""What a contraction of encoded arrays gives: integers, what they are worth, how wide they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.arith.checks import Integers
from bitwright.arith.nearest import Real


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accumulated:
    """Accumulators: each is worth acc 2^lsb scale_a scale_b."""

    acc: Integers
    lsb: int
    scale_a: Real
    """The real scale of the first operand, shaped to broadcast against ``acc``; 1 if none."""
    scale_b: Real
    bound: int
    """No partial sum, in whatever order it is formed, exceeds this magnitude.

    It is the greatest sum, over the outputs, of what each weight contributes at most: |weight|
    times the greatest activation it meets, rounded as the products (or blocks) themselves are.
    """

    @property
    def bits(self) -> int:
        """The width of a signed accumulator that never overflows."""
        return 1 + self.bound.bit_length()

    def decode(self) -> NDArray[np.float64]:
        """Give the values in float64: exact but for the products with real scales."""
        scale = np.multiply(self.scale_a, self.scale_b, dtype=np.float64)
        return np.asarray(np.ldexp(self.acc.astype(np.float64), self.lsb) * scale)
