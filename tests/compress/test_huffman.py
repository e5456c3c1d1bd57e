"""Huffman codes: worked codes, optimality by trying, limits, and streams that are damaged."""

from contextlib import suppress
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitwright.compress.huffman import HuffmanCode, HuffmanError

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)


def test_worked_code():
    """Huffman's construction by hand: d and e merge to 3, with c to 6, with b to 11."""
    code = HuffmanCode.from_counts([9, 5, 3, 2, 1])
    assert code.lengths == (1, 2, 3, 4, 4)
    assert code.codewords == ("0", "10", "110", "1110", "1111")
    assert code.bits_of([9, 5, 3, 2, 1]) == 9 + 10 + 9 + 8 + 4


def test_canonical_codes_of_one_length_follow_their_symbols():
    code = HuffmanCode((3, 1, 3, 0, 2))
    assert code.codewords == ("110", "0", "111", "", "10")


def best(counts, longest):
    """The least total over all lengths that a prefix code can have."""
    used = [count for count in counts if count]
    return min(
        sum(c * length for c, length in zip(used, lengths, strict=True))
        for lengths in product(range(1, longest + 1), repeat=len(used))
        if sum(2.0**-length for length in lengths) <= 1
    )


@pytest.mark.parametrize("longest", [3, 4, 6])
@pytest.mark.parametrize(
    "counts",
    [[1, 1, 2, 4, 8], [1, 1, 1, 1, 1], [50, 0, 1, 1, 2], [1, 2, 3, 5, 8], [7], [3, 0, 9]],
    ids=str,
)
def test_no_code_within_the_limit_is_shorter(counts, longest):
    code = HuffmanCode.from_counts(counts, max_length=longest)
    assert max(code.lengths) <= longest
    assert code.bits_of(counts) == best(counts, longest)
    assert [length > 0 for length in code.lengths] == [count > 0 for count in counts]


def test_the_limit_binds_where_counts_grow_like_fibonacci():
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    free = HuffmanCode.from_counts(counts, max_length=31)
    limited = HuffmanCode.from_counts(counts)
    assert max(free.lengths) == 23
    assert max(limited.lengths) == 16
    assert free.bits_of(counts) < limited.bits_of(counts) < 1.01 * free.bits_of(counts)


@given(COUNTS, st.integers(0, 2**32 - 1))
def test_decoding_gives_the_symbols_back(counts, seed):
    code = HuffmanCode.from_counts(counts)
    used = np.flatnonzero(counts)
    symbols = np.random.default_rng(seed).choice(used, 50)
    bits = code.encode(symbols)
    assert len(bits) == code.bits_of(np.bincount(symbols, minlength=len(counts)))
    assert np.array_equal(code.decode(bits, 50), symbols)


@given(COUNTS)
def test_within_a_bit_of_the_entropy(counts):
    share = np.array([count for count in counts if count]) / sum(counts)
    entropy = float(-(share * np.log2(share)).sum())
    bits = HuffmanCode.from_counts(counts, max_length=31).bits_of(counts) / sum(counts)
    assert entropy - 1e-9 <= bits <= entropy + 1


def test_nothing_is_nothing():
    code = HuffmanCode.from_counts([1, 1])
    assert code.encode([]).size == 0
    assert code.decode([], 0).size == 0


CODE = HuffmanCode((1, 2, 3, 0))  # 0, 10, 110: nothing begins with 111


@pytest.mark.parametrize(
    ("bits", "n", "message"),
    [
        ([0, 1], 2, "ends after 2 bits, within the code of symbol 1"),
        ([], 1, "ends after 0 bits, within the code of symbol 0"),
        ([0, 1, 1, 1, 0], 2, "no code begins at bit 1, where symbol 1 should be"),
        ([0, 0, 1, 0], 2, "2 bits are left over after 2 symbols"),
        ([0, 2], 2, "bit 1 is 2, neither 0 nor 1"),
    ],
)
def test_malformed_streams_are_named(bits, n, message):
    with pytest.raises(HuffmanError, match=message):
        CODE.decode(bits, n)


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_never_passes_for_the_symbols(seed):
    rng = np.random.default_rng(seed)
    code = HuffmanCode.from_counts([9, 5, 3, 2, 1])
    symbols = rng.integers(0, 5, 40)
    bits = code.encode(symbols)
    bits[rng.integers(len(bits))] ^= 1
    with suppress(HuffmanError):
        assert not np.array_equal(code.decode(bits, 40), symbols)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HuffmanCode((1, 1, 1)), "no prefix code has the lengths"),
        (lambda: HuffmanCode((0, 0)), "must lie in 0..31, not all 0"),
        (lambda: HuffmanCode((32,)), "must lie in 0..31"),
        (lambda: HuffmanCode.from_counts([0, 0]), "one of them positive"),
        (lambda: HuffmanCode.from_counts([1, -1]), "must not be negative"),
        (
            lambda: HuffmanCode.from_counts([1] * 5, max_length=2),
            "5 symbols need codes of 3 bits or more, but max_length is 2",
        ),
        (lambda: CODE.encode([0, 3]), "symbol 3 at index 1 has no code"),
        (lambda: CODE.encode([-1]), "symbol -1 at index 0 has no code"),
        (lambda: CODE.encode([9]), "symbol 9 at index 0 has no code"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
