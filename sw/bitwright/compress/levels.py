"""Which integers the values of a number format are, in units of their smallest step."""

import numpy as np
from numpy.typing import NDArray

from bitwright.arith import Binary, Float, Integer, PowerOfTwo, Ternary, parse
from bitwright.compress.grid import BYTE

_SCALED = (Integer, Binary, Ternary, PowerOfTwo, Float)
"""Families whose values are multiples of one step, so that one scale per channel is all."""


def levels(name: str) -> NDArray[np.int64]:
    """The values of a format as integers, ascending; int<N> without its least code.

    Raises ValueError for formats that share more than a scale per channel (blocks, codebooks), and
    for those whose values are further apart than int8 codes.

    >>> levels("int3"), levels("binary"), levels("pow3")
    (array([-3, -2, -1,  0,  1,  2,  3]), array([-1,  1]), array([-4, -2, -1,  0,  1,  2,  4]))
    """
    fmt = parse(name)
    if not isinstance(fmt, _SCALED):
        raise ValueError(
            f"weights of format {name!r} have no int8 codes with one scale per channel; "
            "int2..int8, uint2..uint7, binary, ternary, pow2..pow4 and e2m1 do"
        )
    values = fmt.values() / step(name)
    found = np.unique(values).astype(np.int64)
    if isinstance(fmt, Integer) and fmt.signed:
        found = found[1:]  # symmetric: the least code has no counterpart
    if max(-found[0], found[-1]) > BYTE:
        raise ValueError(
            f"weights of format {name!r} reach {found[-1]} of their smallest step, but a weight is "
            f"a code within -{BYTE}..{BYTE}"
        )
    return np.asarray(found)


def has_levels(name: str) -> bool:
    """Whether weights of the format lie on a grid; ValueError for what is no format."""
    parse(name)
    try:
        levels(name)
    except ValueError:
        return False
    return True


def step(name: str) -> float:
    """The value, in the format, of the integer 1 of `levels`."""
    fmt = parse(name)
    return 1.0 if isinstance(fmt, Binary) else fmt.min_step
