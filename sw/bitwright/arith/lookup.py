"""Look-up activations: tables from input code to output code, made once and carried by the program.

The table is the definition. Its function is evaluated in float64 when the table is made, and never
again: whichever machine runs the program looks up the same codes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.arith.block import BlockFormat
from bitwright.arith.checks import as_integers, check_range
from bitwright.arith.codebook import Centroids
from bitwright.arith.element import TABLE_BITS, Codes
from bitwright.arith.format import Encoded, Format
from bitwright.arith.nvfp4 import Nvfp4

Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_IN_BLOCKS = (BlockFormat, Nvfp4)
_FAR = 2.0**1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lookup:
    """Output codes for every input code."""

    source: Format[Any]
    table: Encoded[Any]
    """The outputs, from the least input code up, with what they share."""
    accepted: NDArray[np.bool_]
    """Input codes that are numbers: all but the NaN of FP8."""

    def apply(self, codes: ArrayLike) -> Codes:
        """Give the output code of each input code; ValueError for one that is none, or NaN."""
        array = as_integers("codes", codes)
        check_range(f"{self.source} codes", array, self.source.code_low, self.source.code_high)
        places = array - self.source.code_low
        refused = ~self.accepted[places]
        if refused.any():
            index = tuple(int(i) for i in np.argwhere(refused)[0])
            raise ValueError(
                f"code {int(array[index]):#x} at index {index} is NaN; it has no output"
            )
        return np.asarray(self.table.codes[places])


def build_lookup(
    function: Function, source: Encoded[Any], target: Format[Any], **options: Any
) -> Lookup:
    """Tabulate ``function`` from the format of ``source`` to ``target``, rounding half_even.

    ``source`` brings the format of the inputs and what they share: scale and zero point, centroids.
    ``options`` are those of ``target.encode``, such as ``scale`` and ``zero_point``; left out, they
    are derived from the table.

    Raises ValueError for inputs or outputs in blocks, inputs with a scale per channel or of more
    than 16 bits, and a function that gives NaN.

    >>> from bitwright.arith import parse
    >>> inputs = parse("int4").encode([0.0], scale=1.0)
    >>> build_lookup(sigmoid, inputs, parse("uint4"), scale=1 / 15).apply([-8, 0, 1, 7])
    array([ 0,  8, 11, 15], dtype=uint8)
    """
    fmt = source.format
    if fmt.bits > TABLE_BITS:
        raise ValueError(f"tables have inputs of up to {TABLE_BITS} bits, not {fmt}")
    if isinstance(fmt, _IN_BLOCKS) or isinstance(target, _IN_BLOCKS):
        raise ValueError(f"a code has no value without its block: no table from {fmt} to {target}")
    if _per_channel(source.shared):
        raise ValueError(f"a table needs inputs of one scale, but {fmt} here has one per channel")
    every = np.arange(fmt.code_low, fmt.code_high + 1).astype(fmt.code_dtype)
    inputs = fmt.decode_codes(every, source.shared, np.dtype(np.float64)).reshape(-1)
    accepted = ~np.isnan(inputs)
    with np.errstate(all="ignore"):
        outputs = np.asarray(function(np.where(accepted, inputs, 0)), np.float64)
    if np.isnan(outputs).any():
        index = int(np.argwhere(np.isnan(outputs))[0, 0])
        raise ValueError(
            f"the function gives NaN for code {int(every[index])}, which is {float(inputs[index])}"
        )
    return Lookup(source=fmt, table=target.encode(outputs, **options), accepted=accepted)


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute 1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def tanh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the hyperbolic tangent."""
    return np.asarray(np.tanh(x))


def gelu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute x times the normal distribution function of x, without the tanh approximation."""
    finite = x.clip(-_FAR, _FAR)  # -inf times 0 would be NaN
    return np.array([v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in finite.tolist()])


def exp(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the exponential function; infinity saturates in every output format."""
    return np.asarray(np.exp(x))


def _per_channel(shared: Any) -> bool:
    if shared is None or isinstance(shared, Centroids):
        return False
    return any(np.size(getattr(shared, part.name)) > 1 for part in fields(shared))
