from fractions import Fraction

import numpy as np
import pytest
from tests.arith import oracle

from bitwright.arith.rounded_sums import scale_round

EDGES = [0, 1, 2, 3, 5, 6, 1 << 61, 3 << 60, (1 << 62) - 1, 1 << 62, (1 << 62) + 1, (1 << 63) - 1]


@pytest.mark.parametrize("exponent", [-200, -65, -64, -63, -62, -61, -2, -1, 0, 1, 60])
def test_every_shift_rounds_the_exact_number(exponent: int) -> None:
    values = [v for e in EDGES for v in (e, -e)] + [-(1 << 63)]
    exact = [Fraction(v) * Fraction(2) ** exponent for v in values]
    kept = [(v, oracle.rounded(x, "half_even")) for v, x in zip(values, exact, strict=True)]
    kept = [(v, x) for v, x in kept if -(1 << 63) <= x < 1 << 63]
    found = scale_round(np.array([v for v, _ in kept]), np.array(exponent))
    assert found.tolist() == [x for _, x in kept]
