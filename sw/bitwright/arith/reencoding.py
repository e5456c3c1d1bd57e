"""Accumulators to the elements of a format: the requantisation of block and minifloat outputs.

Integers alone, as the hardware does it. The leading one of a block's accumulators gives the shared
exponent, an element's own leading one its binade; what is shifted out rounds half to the even code.
The result is what the format's ``encode`` gives of the exact values acc 2^lsb.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.block import BlockExponents, BlockFormat, GreatestOfBlock
from bitwright.arith.bounds import checked_lsb
from bitwright.arith.checks import Integers, as_integers
from bitwright.arith.element import Codes, Element
from bitwright.arith.exponent_window import ExponentWindow, Windowed
from bitwright.arith.exponents import GREATEST
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Encoded, Format, check_axis
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.scalar import Scalar
from bitwright.arith.uniform import Uniform

_FLOAT64 = np.dtype(np.float64)
_WORD = 64

Magnitudes = NDArray[np.uint64]


def encode_accumulators(
    acc: ArrayLike,
    lsb: int,
    fmt: Format[Any],
    axis: int = -1,
    window: ExponentWindow | None = None,
) -> Windowed:
    """Encode values acc 2^lsb: bfp, bm, bl and mx in blocks along ``axis``, minifloats and fix.

    Elements are nearest, ties to the even code, saturated. Shared exponents are clamped to the
    window (all of -127..127 unless given), and blocks above it are counted. Raises ValueError for
    another format, an axis that acc does not have and an lsb out of range; TypeError for
    accumulators that are not integers.

    >>> from bitwright.arith import parse
    >>> found = encode_accumulators([1000, -61, 30, 0], -4, parse("bfp4_b2"))  # steps 8 and 1/4
    >>> found.encoded.decode()  # 62.5 and 1.875 saturate
    array([56.  , -0.  ,  1.75,  0.  ])
    """
    sums = as_integers("acc", acc)
    lsb = checked_lsb(lsb)
    place = check_axis("axis", axis, sums.ndim)
    negative = sums < 0
    magnitudes = np.where(negative, -sums, sums).astype(np.uint64)  # 2^63, too, after wrapping
    if isinstance(fmt, BlockFormat):
        return _in_blocks(magnitudes, negative, lsb, fmt, place, window or ExponentWindow())
    if not isinstance(fmt, Scalar | Fixed):
        raise ValueError(
            f"accumulators are encoded in block formats, minifloats and fix<N>.<F>, not in {fmt}; "
            "requantize gives integers with real scales"
        )
    if window is not None:
        raise ValueError(f"{fmt} shares no exponents and takes no window")
    codes = _codes(fmt.element, magnitudes, negative, np.full(sums.shape, lsb))
    encoded = Encoded(format=fmt, codes=codes, shared=None, dtype=_FLOAT64)
    return Windowed(encoded=encoded, saturated=0)


def _in_blocks(
    magnitudes: Magnitudes,
    negative: NDArray[np.bool_],
    lsb: int,
    fmt: BlockFormat,
    axis: int,
    window: ExponentWindow,
) -> Windowed:
    shape = magnitudes.shape
    last = np.moveaxis(np.atleast_1d(magnitudes), axis, -1)
    k = last.shape[-1]
    starts = np.arange(0, k, fmt.block)
    peaks = np.maximum.reduceat(last, starts, axis=-1) if last.size else last[..., starts]
    rule = GreatestOfBlock(
        element=fmt.element,
        block=fmt.block,
        nearest=fmt.nearest_top,
        exponents=np.empty((0, 0), np.int16),
    )
    natural = _leading_one(peaks) + (lsb - rule.top)
    if fmt.nearest_top:
        natural += _second_one(peaks)
    natural = np.where(peaks == 0, window.low, natural)
    exponents = natural.clip(window.low, window.high)
    each = np.repeat(exponents, fmt.block, axis=-1)[..., :k]
    codes = _codes(fmt.element, last, np.moveaxis(np.atleast_1d(negative), axis, -1), lsb - each)
    if rule.leaves_least:  # the code -128 of mxint8 is no float32 there
        lowest = codes.dtype.type(-fmt.code_high)
        codes = np.where(each == GREATEST, np.maximum(codes, lowest), codes)
    shared = BlockExponents(np.moveaxis(exponents, -1, axis).astype(np.int16), axis)
    restored = np.ascontiguousarray(np.moveaxis(codes, -1, axis)).reshape(shape)
    encoded = Encoded(format=fmt, codes=restored, shared=shared, dtype=_FLOAT64)
    return Windowed(encoded=encoded, saturated=int(np.count_nonzero(natural > window.high)))


def _codes(
    element: Element, magnitudes: Magnitudes, negative: NDArray[np.bool_], exponent: Integers
) -> Codes:
    """Give the codes of values +-magnitude 2^exponent."""
    if isinstance(element, Uniform):
        places = exponent + element.fraction
        # What a left shift would push out of the word saturates anyway.
        beyond = (_leading_one(magnitudes) + places >= element.bits) & (magnitudes > 0)
        steps = _shift_half_even(magnitudes, np.where(beyond, 0, places), np.zeros_like(exponent))
        steps = np.where(beyond, 1 << element.bits, steps)
        signed = np.where(negative, -steps, steps)
        return np.asarray(signed.clip(element.low, element.high).astype(element.code_dtype))
    assert isinstance(element, Minifloat)
    greatest = _greatest_code(element)
    binade = np.maximum(_leading_one(magnitudes) + exponent, element.least)
    binade = np.where(magnitudes == 0, element.least, binade)
    base = (binade - element.least) << element.mantissa_bits
    places = exponent - (binade - element.precision)
    steps = _shift_half_even(magnitudes, places, base)
    code = base + steps
    if not element.implicit_one:
        # 2^M steps are the next exponent's 2^(M-1); an implicit one makes that by itself.
        code += np.where(steps >> element.mantissa_bits, 1 << element.mantissa_bits >> 1, 0)
    if not element.exponent_bits:  # one binade only
        code = np.where(binade > element.least, greatest, code)
    code = np.minimum(code, greatest)
    code |= negative.astype(np.int64) << (element.bits - 1)
    return np.asarray(code.astype(element.code_dtype))


@lru_cache(maxsize=64)
def _greatest_code(element: Minifloat) -> int:
    """Give the code of the largest value: NaN and infinity have those above."""
    positive = element.values()[: 1 << (element.bits - 1)]
    return int(np.count_nonzero(np.isfinite(positive))) - 1


def _shift_half_even(magnitudes: Magnitudes, places: Integers, base: Integers) -> Integers:
    """Compute magnitude 2^places, a tie going where base plus the result is even."""
    left = np.clip(places, 0, _WORD - 1).astype(np.uint64)
    right = np.clip(-places, 0, _WORD - 1).astype(np.uint64)
    one = np.uint64(1)
    whole = (magnitudes << left) >> right
    rest = (magnitudes << left) - (whole << right)
    half = (one << right) >> one  # 0 where nothing is shifted out, and then so is the rest
    odd = (whole + base.astype(np.uint64)) & one
    whole += (rest > half) | ((rest == half) & (rest > 0) & (odd == 1))
    # Shifted by the whole word or more, at most one half is left: of code 0, which is even.
    return np.asarray(np.where(places <= -_WORD, 0, whole).astype(np.int64))


def _leading_one(magnitudes: Magnitudes) -> Integers:
    """Compute floor(log2 magnitude), -1 of 0: from 32 bits at a time, which float64 holds."""
    high, low = magnitudes >> np.uint64(32), magnitudes & np.uint64(0xFFFFFFFF)
    lengths = [np.frexp(part.astype(np.float64))[1].astype(np.int64) for part in (high, low)]
    return np.asarray(np.where(high > 0, lengths[0] + 31, lengths[1] - 1))


def _second_one(magnitudes: Magnitudes) -> Integers:
    """Tell whether the bit below the leading one is set: the number is nearer to the next power."""
    below = np.maximum(_leading_one(magnitudes) - 1, 0).astype(np.uint64)
    return np.asarray(((magnitudes >> below) & np.uint64(3) == 3).astype(np.int64))
