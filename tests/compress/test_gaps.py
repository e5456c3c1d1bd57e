"""Sparse weights as gaps and values."""

import numpy as np
import pytest

from bitwright.compress.gaps import from_gaps, to_gaps


def test_figure_2_of_deep_compression():
    """Values 3.4, 0.9 and 1.7 at 1, 4 and 15; three bits a gap: one filler."""
    symbols = np.zeros(16, np.int64)
    symbols[[1, 4, 15]] = [34, 9, 17]
    gaps, values = to_gaps(symbols, zero=0, gap_bits=3)
    assert gaps.tolist() == [1, 2, 7, 2]
    assert values.tolist() == [34, 9, 0, 17]


@pytest.mark.parametrize("gap_bits", [1, 2, 4])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_gaps_lead_back(gap_bits, share):
    rng = np.random.default_rng(1)
    symbols = np.where(rng.random(500) < share, rng.integers(0, 8, 500), 3)
    gaps, values = to_gaps(symbols, zero=3, gap_bits=gap_bits)
    assert gaps.max(initial=0) < 1 << gap_bits
    assert np.array_equal(from_gaps(gaps, values, 3, 500), symbols)


def test_gaps_beyond_the_end_are_named():
    with pytest.raises(ValueError, match="lead to symbol 6, but there are 5"):
        from_gaps([2, 3], [1, 1], 0, 5)
