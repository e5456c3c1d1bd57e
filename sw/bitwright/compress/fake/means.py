"""Sums and means of float32 magnitudes, exact and rounded once: the twin of arith's reductions.

A float32 is an integer of 24 bits times 2^(e - 149), e in 0..253. Integers of equal e add up in
int64; those sums are then digits of base 2^24, to carry and to divide as on paper: a few dozen
steps on tensors of one number per channel.
"""

from fractions import Fraction

import torch
from torch import Tensor
from torch.nn.functional import pad

from bitwright.compress.fake.bits import below, layout, pattern, power
from bitwright.compress.fake.parts import parts_of

_DIGIT = 24
_BASE_MASK = (1 << _DIGIT) - 1
_EXPONENTS = 264
"""254, filled up to a multiple of a digit."""
_DIGITS = 14
"""Of a sum of up to 2^34 numbers below 2^128, in units of 2^-149: 311 bits."""


def mean_magnitude(matrix: Tensor, kept: Tensor, times: Fraction = Fraction(1)) -> Tensor:
    """Give, per row, a fraction of the mean of the kept magnitudes, as float64.

    It compares with every float32, and with the middle of every two, as the exact number does, and
    so rounds to the float32 that the exact number rounds to. 0 where none is kept.
    """
    digits = _sums(matrix, kept) * times.numerator
    divisor = kept.sum(1).clamp(min=1) * times.denominator
    return _as_float(*_divide(_carry(digits), divisor))


def rounded(exact: Tensor) -> Tensor:
    """Give the nearest float32, ties to even."""
    return exact.float()


def rounded_down(exact: Tensor) -> Tensor:
    """Give the greatest float32 that is not above."""
    nearest = exact.float()
    return torch.where(nearest.double() > exact, below(nearest), nearest)


def _sums(matrix: Tensor, kept: Tensor) -> Tensor:
    """Add mantissas by exponent, and shift them into (rows, digits), which overlap."""
    width = layout(matrix.dtype).mantissa_bits
    sums = torch.zeros(matrix.shape[0], _EXPONENTS, dtype=torch.int64, device=matrix.device)
    for part, counts in zip(parts_of(matrix, 1), parts_of(kept, 1), strict=True):
        bits = pattern(part.abs())
        field = bits >> width
        mantissa = (bits & ((1 << width) - 1)) | ((field > 0).int() << width)
        place = (field - 1).clamp_(0, _EXPONENTS - 1).long()
        sums = sums.scatter_add(1, place, torch.where(counts, mantissa, 0).long())
    shifts = torch.arange(_DIGIT, device=matrix.device)
    groups = sums.reshape(-1, _EXPONENTS // _DIGIT, _DIGIT)
    low = ((groups & _BASE_MASK) << shifts).sum(2)
    high = ((groups >> _DIGIT) << shifts).sum(2)
    return pad(low, (0, _DIGITS - low.shape[1])) + pad(high, (1, _DIGITS - high.shape[1] - 1))


def _carry(digits: Tensor) -> list[Tensor]:
    """Give digits below the base, the least first, under one more digit after the point."""
    carry = torch.zeros_like(digits[:, 0])
    found = [carry]
    for column in digits.unbind(1):
        total = column + carry
        found.append(total & _BASE_MASK)
        carry = total >> _DIGIT
    return found


def _divide(digits: list[Tensor], divisor: Tensor) -> tuple[Tensor, Tensor]:
    """Divide from the first digit down; give the quotient's digits and the remainder."""
    remainder = torch.zeros_like(divisor)
    found = []
    for digit in reversed(digits):
        part = (remainder << _DIGIT) | digit
        found.append(part // divisor)
        remainder = part % divisor
    return torch.stack(found[::-1], 1), remainder


def _as_float(digits: Tensor, remainder: Tensor) -> Tensor:
    """Give a float64 of the first two digits, 25 bits at least, and a bit for what is below.

    That bit makes it odd where the number is not exact: it lies on the same side of all of 25 bits.
    """
    count = digits.shape[1]
    places = torch.arange(count, device=digits.device)
    top = torch.where(digits > 0, places, 0).amax(1, keepdim=True)
    filled = pad(digits, (1, 0))  # a digit below the last
    head = (filled.gather(1, top + 1) << _DIGIT) | filled.gather(1, top)
    rest = torch.where(places < top - 1, digits, 0).amax(1, keepdim=True) | remainder[:, None]
    head = (head << 1) | (rest > 0).long()
    unit = _DIGIT * (top - 2) - 1 - 149
    return (head.double() * power(unit, torch.float64))[:, 0]
