"""Cache-sized parts of a large tensor, one after another.

What `bitwright.arith.tiles` is for numpy. Each operation on a whole tensor writes to memory fresh
from the system, which costs more than the arithmetic; of parts, the same memory serves again.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bitwright.arith.tiles import TILE


def parts_of(x: Tensor, axis: int) -> tuple[Tensor, ...]:
    """Cut along an axis into parts of about `TILE` elements.

    A program being compiled or exported gets one part: its sizes may be symbols.
    """
    if torch.compiler.is_compiling() or x.numel() <= TILE:
        return (x,)
    return x.tensor_split(min(-(-x.numel() // TILE), x.shape[axis]), axis)


def part_by_part(compute: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Give ``compute(x)``, of x's type and shape, whose every row depends on x's row alone."""
    parts = parts_of(x, 0)
    if len(parts) == 1:
        return compute(x)
    out = torch.empty_like(x)
    for part, target in zip(parts, parts_of(out, 0), strict=True):
        target.copy_(compute(part))
    return out
