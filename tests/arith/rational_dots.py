"""The law of dot products as docs/dots.md states it: in exact rationals, one product at a time.

Codes become numbers through the lists of `rational`, not through `bitwright`; only the codes, the
shared exponents and the zero points are read from an encoded array.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from tests.arith import oracle, rational

from bitwright.arith import Encoded

TWO = Fraction(2)

REPRESENTATIVES = [
    "int8",
    "uint4",
    "fix8.7",
    "ufix5.-2",
    "binary",
    "ternary",
    "codebook16",
    "codebook4_fix6.3",
    "e4m3",
    "e5m2",
    "e8m7",
    "fp8_e4m3",
    "fp8_e5m2",
    "dmf_e4m3",
    "pow4",
    "pow8",
    "bfp8_b16",
    "bfp4_b32",
    "bm_e4m3_b16",
    "bl4_b8",
    "bl8_b16",
    "mxfp8_e5m2",
    "mxfp4_e2m1",
    "mxint8",
    "nvfp4",
]
"""At least one format of every family, and of the wide families one on each side of 64 bits."""


@dataclass(frozen=True)
class Numbers:
    """An encoded array as rationals, real scales left out, and what of its format the law needs."""

    values: np.ndarray
    """Of objects: Fractions, in the array's shape."""
    reach: int
    """The greatest magnitude in the format's smallest steps, block exponents left out."""
    step: Fraction
    block: int | None


def numbers(array: Encoded[Any]) -> Numbers:
    name, codes, shared = str(array.format), array.codes, array.shared
    if re.fullmatch(r"codebook.*", name):
        book = numbers(shared.encoded)
        return Numbers(book.values[codes], book.reach, book.step, None)
    table, reach, step = elements(name)
    values = np.array([table[int(code)] for code in codes.flat], object).reshape(codes.shape)
    if re.fullmatch(r"u?int\d+", name):
        zero = int(shared.zero_point)
        ends = [abs(code - zero) for code in table]
        return Numbers(values - zero, max(ends), step, None)
    if name == "nvfp4":
        scales = elements("fp8_e4m3")[0]
        factors = np.array([scales[int(c)] for c in shared.block_codes.flat], object)
        per_block = factors.reshape(shared.block_codes.shape)
        # A block scale is an integer of four bits times a power of two.
        return Numbers(values * spread(per_block, 16, shared.axis, codes), 15 * reach, step, 16)
    if hasattr(shared, "exponents"):
        block = array.format.block
        powers = np.array([TWO ** int(e) for e in shared.exponents.flat], object)
        per_block = powers.reshape(shared.exponents.shape)
        return Numbers(values * spread(per_block, block, shared.axis, codes), reach, step, block)
    return Numbers(values, reach, step, None)


def spread(per_block: np.ndarray, block: int, axis: int, codes: np.ndarray) -> np.ndarray:
    return np.take(per_block, np.arange(codes.shape[axis]) // block, axis=axis)


@cache
def elements(name: str) -> tuple[dict[int, Fraction], int, Fraction]:
    """Code to value, the greatest magnitude in steps, the step."""
    plain = re.fullmatch(r"(u?)(int|fix)(\d+)(?:\.(-?\d+))?", name)
    if plain:
        low, high = oracle.code_ends(int(plain[3]), not plain[1])
        step = TWO ** -int(plain[4] or 0)
        table = {code: code * step for code in range(low, high + 1)}
    elif name == "binary":
        table, step = {0: Fraction(-1), 1: Fraction(1)}, Fraction(1)
    elif name == "ternary":
        table, step = {code: Fraction(code) for code in (-1, 0, 1)}, Fraction(1)
    else:
        found, _ = rational.definition("e2m1" if name == "nvfp4" else name)
        table = dict(zip(found.codes, found.values, strict=True))
        if found.sign_bit is not None:
            if name.startswith("dmf"):  # other codes of the same values
                table = denormalised(name)
            table |= {code | 1 << found.sign_bit: -value for code, value in table.items()}
        step = min(value for value in table.values() if value > 0)
    return table, int(max(abs(value) for value in table.values()) / step), step


def denormalised(name: str) -> dict[int, Fraction]:
    exponent, mantissa = (int(n) for n in re.findall(r"\d+", name))
    return {
        code: Fraction(code % 2**mantissa, 2**mantissa)
        * TWO ** (code // 2**mantissa - 2 ** (exponent - 1) + 1)
        for code in range(2 ** (exponent + mantissa))
    }


def rounded_together(a: Numbers, b: Numbers, k: int, lsb: int | None) -> int | None:
    """How many elements share a rounding; None if nothing is rounded."""
    blocks = [block for block in (a.block, b.block) if block]
    length = min(blocks, default=k)
    wide = too_wide(a, b, length)
    if not blocks and lsb is None:
        assert not wide
        return None
    return 1 if wide or not blocks else length


def too_wide(a: Numbers, b: Numbers, length: int) -> bool:
    """Whether an exact sum of so many products may need more than 64 bits."""
    return 1 + (length * a.reach * b.reach).bit_length() > 64


def dot(
    a: list[Fraction], b: list[Fraction], together: int | None, lsb: Fraction, run: int = 0
) -> int:
    """The accumulator of two vectors, blocks beginning anew after every ``run`` elements."""
    if together is None:
        total = sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0)) / lsb
        assert total.denominator == 1
        return int(total)
    acc = 0
    for start in range(0, len(a), run or len(a) or 1):
        stretch = slice(start, start + (run or len(a)))
        xs, ys = a[stretch], b[stretch]
        for i in range(0, len(xs), together):
            pairs = zip(xs[i : i + together], ys[i : i + together], strict=True)
            acc += oracle.rounded(sum((x * y for x, y in pairs), Fraction(0)) / lsb, "half_even")
    return acc
