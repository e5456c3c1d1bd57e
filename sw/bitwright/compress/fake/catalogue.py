"""From a number format to its torch side."""

from typing import Any

from bitwright.arith import (
    Binary,
    BlockFormat,
    Codebook,
    Fixed,
    Format,
    Integer,
    Nvfp4,
    PowerOfTwo,
    Ternary,
)
from bitwright.arith.scalar import Scalar
from bitwright.compress.fake.affine import Steps
from bitwright.compress.fake.block import Blocks
from bitwright.compress.fake.codebook import Nearest
from bitwright.compress.fake.lowbit import Signs, Thirds
from bitwright.compress.fake.nvfp4 import TwoLevels
from bitwright.compress.fake.power import StaticPower
from bitwright.compress.fake.scalar import Unshared
from bitwright.compress.fake.twin import Twin

TWINS: dict[Any, type[Twin[Any]]] = {
    Integer: Steps,
    Fixed: Unshared,
    Scalar: Unshared,
    BlockFormat: Blocks,
    PowerOfTwo: StaticPower,
    Nvfp4: TwoLevels,
    Binary: Signs,
    Ternary: Thirds,
    Codebook: Nearest,
}
"""The twin of every class of formats, and of those derived from it; a new one is added here."""


def twin_class(fmt: Format[Any]) -> type[Twin[Any]]:
    """Give the class that computes a format in torch; TypeError if there is none."""
    for family in type(fmt).__mro__:
        if family in TWINS:
            return TWINS[family]
    raise TypeError(f"{fmt} has no torch side: {type(fmt).__name__} is not in TWINS")
