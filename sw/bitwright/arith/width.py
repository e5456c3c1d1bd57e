"""How wide the accumulator of a program must be: a proof from its weights, before it sees data."""

from dataclasses import dataclass, replace
from math import ldexp
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bitwright.arith.affine import Integer
from bitwright.arith.block import BlockFormat
from bitwright.arith.bounds import block_sums
from bitwright.arith.checks import as_integers, check_range
from bitwright.arith.contraction import Law, Rule
from bitwright.arith.convolution import as_bias
from bitwright.arith.exponent_window import ExponentWindow
from bitwright.arith.format import Encoded, Format
from bitwright.arith.nvfp4 import Nvfp4
from bitwright.arith.operand import Operand, operand
from bitwright.arith.scalar import fp8_element


@dataclass(frozen=True, slots=True)
class Width:
    """A signed accumulator that holds every partial sum in every order."""

    bound: int
    """No partial sum exceeds this magnitude, in units of 2^lsb."""
    lsb: int

    @property
    def bits(self) -> int:
        """1 + ceil(log2(bound + 1))."""
        return 1 + self.bound.bit_length()


def accumulator_width(
    weight: Encoded[Any],
    activation: Format[Any],
    *,
    bias: ArrayLike | None = None,
    zero_point: int = 0,
    lsb: int | None = None,
    window: ExponentWindow | None = None,
) -> Width:
    """Bound the sums of encoded weights (O, ...) with any activations of a format.

    Every weight meets, at worst, the greatest magnitude of the activation format: less its
    ``zero_point`` for int<N> and uint<N>; times 2^window.high for block formats, which need the
    window. Each product (or each block, where blocks are rounded) counts as `dot` rounds it to
    ``lsb``, and |bias|, in units of 2^lsb, is added. With exact integers that is the formula
    1 + ceil(log2(max over outputs of sum|w| max|a| + |bias| + 1)), reached by activations of the
    greatest magnitude and the right signs.

    ``weight`` is (O, K) with blocks along axis 1, or (O, C, kh, kw) likewise. Raises ValueError as
    `dot` does, and for a missing window.

    >>> from bitwright.arith import parse
    >>> int8 = parse("int8")
    >>> accumulator_width(int8.encode([[127, -127]], scale=1), int8)  # 2 127 128
    Width(bound=32512, lsb=0)
    """
    if weight.codes.ndim < 2:
        raise ValueError(f"weight must be (O, K) or (O, C, ...), not {weight.codes.shape}")
    outputs, depth, *kernel = weight.codes.shape
    taps = int(np.prod(kernel, dtype=np.int64))
    meets, peak = _worst(activation, zero_point, window)
    columns = operand("weight", weight, 1)
    law = Law.of(meets, columns, depth * taps, lsb)
    within = law.starts(depth) if law.rule is not Rule.EXACT else np.zeros(1, np.int64)
    runs = np.arange(taps if law.rule is not Rule.EXACT else 1)
    starts = (runs[:, np.newaxis] * depth + within).reshape(-1)
    terms = law.form(columns).rearranged(
        lambda m: np.moveaxis(m.reshape(outputs, depth, taps), 1, -1).reshape(outputs, -1)
    )
    sums = block_sums(terms, starts)
    limits = law.limits(np.full(len(starts), peak), sums, as_bias(bias, outputs))
    return Width(bound=limits.bound, lsb=law.lsb)


def _worst(
    activation: Format[Any], zero_point: int, window: ExponentWindow | None
) -> tuple[Operand, float]:
    """Describe activations of a format, and give their greatest magnitude but for real scales."""
    meets = operand("activation", activation.encode(np.zeros(0)), 0)
    if zero_point:
        if not isinstance(activation, Integer):
            raise ValueError(f"zero_point is for int<N> and uint<N>, not {activation}")
        check_range(
            "zero_point",
            as_integers("zero_point", zero_point),
            activation.code_low,
            activation.code_high,
        )
        meets = replace(meets, zero_point=np.asarray(zero_point))
    if isinstance(activation, BlockFormat):
        if window is None:
            raise ValueError(
                f"sums with {activation} are bounded only by a window of its shared exponents; "
                "give window=ExponentWindow(low, high)"
            )
        return meets, ldexp(meets.limit, meets.step + window.high)
    if isinstance(activation, Nvfp4):
        return meets, activation.max * fp8_element(4).max
    return meets, ldexp(meets.limit, meets.step)
