"""Elements in torch: numbers rounded to the nearest value, and the range in which none saturates.

The twins of ``Element.round``; what an element is, its object from `bitwright.arith` says. A new
kind of element is added to `_ROUNDINGS`.
"""

from collections.abc import Callable
from math import inf, nextafter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bitwright.arith import Format
from bitwright.arith.element import Element
from bitwright.arith.minifloat import Minifloat
from bitwright.arith.sign import Sign
from bitwright.arith.uniform import Uniform
from bitwright.compress.fake.bits import NUMPY, layout, pattern
from bitwright.compress.fake.constant import constant

_TORCH = {numpy: torch for torch, numpy in NUMPY.items()}


def round_to(element: Element, v: Tensor) -> Tensor:
    """Give the nearest values: ties to the even code, saturated; ``v`` is of a type that `fits`."""
    return _ROUNDINGS[type(element)](element, v)


def _uniform(element: Uniform, v: Tensor) -> Tensor:
    steps = (v * 2.0**element.fraction if element.fraction else v).round()
    steps = steps.clamp_(element.low, element.high).add_(0)  # -0.0 + 0.0 = 0.0: one zero
    return steps.mul_(element.min_step) if element.fraction else steps


def _sign(element: Sign, v: Tensor) -> Tensor:
    # As 2 bit - 1: a third of the time that `torch.where` of two numbers takes.
    return (v >= 0).to(v.dtype).mul_(2).sub_(1)


def _minifloat(element: Minifloat, v: Tensor) -> Tensor:
    """Round by adding 2^nmant steps and subtracting them: the float addition is half to even.

    Then there is no room for bits below the step, and the subtraction is exact; see
    `bitwright.arith.minifloat`.
    """
    magnitude = v.abs().clamp_(max=element.max)
    anchor: Tensor | float
    if not element.exponent_bits:
        anchor = 2.0 ** (element.least + layout(v.dtype).mantissa_bits - element.precision)
    else:
        anchor = _anchors(element, magnitude)
        if element.precision == 0:
            magnitude = _nudge_ties(element, magnitude, anchor)
    return magnitude.add_(anchor).sub_(anchor).copysign_(v)


def _anchors(element: Minifloat, magnitude: Tensor) -> Tensor:
    """Compute 2^nmant times each magnitude's step, by its exponent field alone."""
    fields = layout(magnitude.dtype)
    width = fields.mantissa_bits
    field = (pattern(magnitude) & fields.field_mask).clamp_(
        min=fields.field(element.least) << width
    )
    return field.add_((width - element.precision) << width).view(magnitude.dtype)


def _nudge_ties(element: Minifloat, magnitude: Tensor, anchor: Tensor) -> Tensor:
    """Take one unit in the last place from magnitudes in binades with an even exponent field.

    Without mantissa bits the tie 1.5 2^e goes up to the even multiple 2, which has the even code
    only where the exponent field of 2^e is odd.
    """
    fields = layout(magnitude.dtype)
    first = fields.field(element.least) + fields.mantissa_bits - element.precision
    even = ((pattern(anchor) >> fields.mantissa_bits) - first) & 1
    return (pattern(magnitude) - even).view(magnitude.dtype)


_ROUNDINGS: dict[type[Element], Callable[[Any, Tensor], Tensor]] = {
    Minifloat: _minifloat,
    Sign: _sign,
    Uniform: _uniform,
}


@constant
def unsaturated(element: Element, dtype: torch.dtype) -> tuple[float, float]:
    """Give the least and the greatest ``dtype`` whose nearest value needs no saturation.

    Half a step beyond the ends, where a tie is outside if the end's code is odd: it would go to
    the even code that does not exist.

    >>> unsaturated(Uniform(-128, 127), torch.float32)  # -128.5 is a tie to -128
    (-128.5, 127.49999237060547)
    """
    low, high = element.min, element.max
    return -_reach(-low, _step(element, low), dtype), _reach(high, _step(element, high), dtype)


def _step(element: Element, end: float) -> float:
    """Give the distance of an end's neighbours, were there no end."""
    if isinstance(element, Minifloat):
        return 2.0 ** (element.top - element.precision)
    return element.min_step


def _reach(end: float, step: float, dtype: torch.dtype) -> float:
    half = end + step / 2
    if end / step % 2 == 0:
        return half
    if dtype == torch.float32:
        return float(np.nextafter(np.float32(half), np.float32(-np.inf)))
    return nextafter(half, -inf)


def wide_enough(element: Element, dtype: torch.dtype) -> torch.dtype:
    """Give ``dtype``, or float64 where rounding in it would not be exact."""
    return dtype if element.fits(NUMPY[dtype]) else torch.float64


@constant
def value_type(fmt: Format[Any], dtype: torch.dtype) -> torch.dtype:
    """Give the type of the values that ``fmt`` gives for numbers of ``dtype``."""
    return _TORCH[fmt.quantize(np.zeros(0, NUMPY[dtype])).dtype]


def passing(element: Element, v: Tensor) -> Tensor:
    """Tell which numbers are rounded without saturation: there the gradient passes."""
    low, high = unsaturated(element, v.dtype)
    return (v >= low) & (v <= high)
