"""Number formats as docs/formats.md defines them: in exact rationals, one number at a time.

Every element format is the list of its codes with their values, written from the definition;
encoding is a search for the nearest. Nothing here comes from `bitwright`.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

TWO = Fraction(2)


@dataclass(frozen=True)
class Elements:
    """Magnitudes in ascending order, the code of each, and where a sign bit goes (None: none)."""

    values: list[Fraction]
    codes: list[int]
    sign_bit: int | None

    def nearest(self, x: Fraction, negative: bool) -> tuple[int, Fraction]:
        """The code and value nearest to x: ties to the even code, beyond the ends the end."""
        if self.sign_bit is None:
            return self._search(x)
        code, value = self._search(abs(x))
        return code | negative << self.sign_bit, -value if negative else value

    def _search(self, x: Fraction) -> tuple[int, Fraction]:
        place = bisect_left(self.values, x)
        pairs = [
            (abs(self.values[i] - x), self.codes[i] % 2, i)
            for i in (place - 1, place)
            if 0 <= i < len(self.values)
        ]
        _, _, best = min(pairs)
        return self.codes[best], self.values[best]


@dataclass(frozen=True)
class Block:
    """One block, encoded."""

    codes: list[int]
    values: list[Fraction]
    exponent: int | None = None


def encode(name: str, xs: list[float], largest: float) -> Block:
    """One block (for unshared formats, any list) of floats whose type has that largest number."""
    exact = [Fraction(math.copysign(largest, x) if math.isinf(x) else x) for x in xs]
    negative = [math.copysign(1, x) < 0 for x in xs]
    elements, rule = definition(name)
    peak = max((abs(x) for x in exact), default=Fraction(0))
    exponent = None if rule is None else -127 if peak == 0 else min(max(rule(peak), -127), 127)
    scale = TWO ** (exponent or 0)
    if name == "mxint8" and exponent == 127:  # -2^128 is no float32: code -128 stays unused
        elements = Elements(elements.values[1:], elements.codes[1:], None)
    found = [elements.nearest(x / scale, minus) for x, minus in zip(exact, negative, strict=True)]
    return Block([code for code, _ in found], [value * scale for _, value in found], exponent)


@cache
def definition(name: str) -> tuple[Elements, Callable[[Fraction], int] | None]:
    """The elements of a format without its block, and its shared exponent from amax."""
    family, *sizes = re.findall(r"^[a-z]+|\d+", name)
    numbers = [int(size) for size in sizes]
    if family == "e":
        exponent, mantissa = numbers
        return floats(exponent, mantissa, 2 ** (exponent - 1) - 1, 0), None
    if family == "fp":
        return ocp_fp8(numbers[1]), None
    if family == "dmf":
        return denormalised(*numbers), None
    if family == "bfp":
        width = numbers[0]
        steps = [Fraction(q) / 2 ** (width - 2) for q in range(2 ** (width - 1))]
        return Elements(steps, list(range(2 ** (width - 1))), width - 1), floor_log2
    if family == "bm":
        exponent, mantissa, _ = numbers
        return floats(exponent, mantissa, 2**exponent - 1, 0), floor_log2
    if family in ("bl", "pow"):
        return logarithms(numbers[0]), nearest_log2
    if family == "mxint":
        codes = list(range(-128, 128))
        return Elements([Fraction(q, 64) for q in codes], codes, None), floor_log2
    if family == "mxfp":
        width, exponent, mantissa = numbers
        usual = 2 ** (exponent - 1) - 1
        elements = ocp_fp8(exponent) if width == 8 else floats(exponent, mantissa, usual, 0)
        emax = {(5, 2): 15, (4, 3): 8, (3, 2): 4, (2, 3): 2, (2, 1): 2}[exponent, mantissa]
        return elements, lambda peak: floor_log2(peak) - emax
    raise AssertionError(name)


@cache
def floats(exponent_bits: int, mantissa_bits: int, bias: int, reserved: int) -> Elements:
    """Sign, exponent, mantissa, with subnormals; the ``reserved`` greatest codes have no value."""
    values = []
    for code in range(2 ** (exponent_bits + mantissa_bits) - reserved):
        e, m = divmod(code, 2**mantissa_bits)
        fraction = Fraction(m, 2**mantissa_bits)
        values.append(
            fraction * TWO ** (1 - bias) if e == 0 else (1 + fraction) * TWO ** (e - bias)
        )
    return Elements(values, list(range(len(values))), exponent_bits + mantissa_bits)


def ocp_fp8(exponent_bits: int) -> Elements:
    reserved = {4: 1, 5: 4}[exponent_bits]  # NaN; infinity and three NaNs
    return floats(exponent_bits, 7 - exponent_bits, 2 ** (exponent_bits - 1) - 1, reserved)


@cache
def denormalised(exponent_bits: int, mantissa_bits: int) -> Elements:
    """m 2^-M 2^(e-bias); of the codes of one value, the one with the least exponent."""
    bias = 2 ** (exponent_bits - 1) - 1
    first: dict[Fraction, int] = {}
    for code in range(2 ** (exponent_bits + mantissa_bits)):
        e, m = divmod(code, 2**mantissa_bits)
        first.setdefault(Fraction(m, 2**mantissa_bits) * TWO ** (e - bias), code)
    values = sorted(first)
    return Elements(values, [first[value] for value in values], exponent_bits + mantissa_bits)


@cache
def logarithms(width: int) -> Elements:
    """0 and 2^(e-B), where the greatest code is 1."""
    top = 2 ** (width - 1) - 1
    values = [Fraction(0), *(TWO ** (e - top) for e in range(1, top + 1))]
    return Elements(values, list(range(top + 1)), width - 1)


def floor_log2(value: Fraction) -> int:
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if TWO**guess <= value else guess - 1


def nearest_log2(value: Fraction) -> int:
    below = floor_log2(value)
    return below if value < TWO**below * Fraction(3, 2) else below + 1


def float32_round(value: Fraction) -> Fraction:
    """The nearest float32, ties to even, of a positive number in its range."""
    step = TWO ** (max(floor_log2(value), -126) - 23)
    return round(value / step) * step


def tensor_scale_nvfp4(peak: Fraction) -> Fraction:
    """amax / (6 448) in float32, at least its least normal number."""
    if peak == 0:
        return Fraction(1)
    limit = (2 - TWO**-23) * TWO**127
    return max(float32_round(min(peak, limit) / 2688), TWO**-126)


def nvfp4_block(xs: list[float], tensor_scale: Fraction) -> tuple[int, list[int], list[Fraction]]:
    """The code of a block's scale, and its codes and values."""
    e4m3, e2m1 = ocp_fp8(4), floats(2, 1, 1, 0)
    infinity = 10**400
    exact = [
        Fraction(x) if math.isfinite(x) else Fraction((x > 0) - (x < 0)) * infinity for x in xs
    ]
    scale_code, scale = e4m3.nearest(max(abs(x) for x in exact) / (6 * tensor_scale), False)
    found = []
    for x, number in zip(exact, xs, strict=True):
        quotient = x / (scale * tensor_scale) if scale else Fraction(0)
        found.append(e2m1.nearest(quotient, math.copysign(1, number) < 0))
    return scale_code, [c for c, _ in found], [v * scale * tensor_scale for _, v in found]


def numbers(
    rng: np.random.Generator, rows: int, columns: int, dtype: type[np.floating]
) -> NDArray[np.floating]:
    """Rows that are hard for block formats: each of a kind of its own.

    Exponents at both ends of float32, subnormals, zeros of both signs, numbers just below and just
    above powers of two, ties (few mantissa bits), wide and narrow spreads, infinities.
    """
    lines = [row for _, row in zip(range(rows), _lines(rng, columns), strict=False)]
    with np.errstate(over="ignore", under="ignore"):
        return np.array(lines).reshape(rows, columns).astype(dtype)


def _lines(rng: np.random.Generator, columns: int) -> Iterator[NDArray[np.float64]]:
    while True:
        centre = rng.choice(
            [rng.integers(-149, 128), rng.integers(-149, -120), rng.integers(110, 128), 0]
        )
        exponent = centre - rng.integers(0, rng.choice([1, 4, 12, 40]), columns)
        mantissa = rng.choice(
            [
                rng.uniform(1, 2, columns),
                1 + rng.integers(0, 64, columns) / 64,
                np.full(columns, 2 - 2.0**-23),
                1 + rng.integers(-1, 2, columns) * 2.0**-23,
            ]
        )
        row = np.ldexp(rng.choice([-1.0, 1.0], columns) * mantissa, exponent)
        row[rng.random(columns) < rng.choice([0, 0, 0.2, 1], p=[0.5, 0.3, 0.15, 0.05])] = (
            rng.choice([0.0, -0.0])
        )
        if rng.random() < 0.05:
            row[rng.integers(0, columns)] = rng.choice([-np.inf, np.inf])
        yield row
