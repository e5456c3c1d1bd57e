"""From a canonical name to its format."""

import difflib
import re
from typing import Any

from bitwright.arith.affine import Integer
from bitwright.arith.block_families import BlockFloat, BlockLogarithm, BlockMinifloat
from bitwright.arith.codebook import Codebook
from bitwright.arith.fixed import Fixed
from bitwright.arith.format import Format
from bitwright.arith.lowbit import Binary, Ternary
from bitwright.arith.microscaling import Microscaling
from bitwright.arith.nvfp4 import Nvfp4
from bitwright.arith.power import PowerOfTwo
from bitwright.arith.scalar import Denormalised, Float, Fp8

FAMILIES: tuple[type[Format[Any]], ...] = (
    Integer,
    Fixed,
    Float,
    Fp8,
    Denormalised,
    BlockFloat,
    BlockMinifloat,
    BlockLogarithm,
    PowerOfTwo,
    Microscaling,
    Nvfp4,
    Binary,
    Ternary,
    Codebook,
)
"""Every family of formats; a new one is added here."""

_PROPOSED = 3


def parse(name: str) -> Format[Any]:
    """Give the format called ``name``; ``str`` of it is the name again.

    Raises ValueError for an unknown or impossible name, listing the nearest valid ones; TypeError
    for what is not a string.

    >>> parse("fix8.7").max, str(parse("uint4"))
    (0.9921875, 'uint4')
    """
    if not isinstance(name, str):
        raise TypeError(f"a format's name must be a string, not {type(name).__name__}")
    for family in FAMILIES:
        match = family.pattern.fullmatch(name)
        if match is None:
            continue
        try:
            return family.from_match(match)
        except ValueError as error:
            near = ", ".join(_nearest_members(name, family) or _nearest_names(name))
            raise ValueError(
                f"impossible format {name!r}: {error}; nearest valid: {near}"
            ) from None
    near = ", ".join(_nearest_names(name.lower()))
    families = "; ".join(family.family for family in FAMILIES)
    raise ValueError(f"unknown format {name!r}; nearest valid: {near}; families: {families}")


def _nearest_names(name: str) -> list[str]:
    """Give the names that go on as ``name`` does, or else the most alike."""
    known = [member for family in FAMILIES for member in family.names()]
    longer = [member for member in known if member.startswith(name)]
    return longer[:_PROPOSED] or difflib.get_close_matches(name, known, n=_PROPOSED, cutoff=0)


def _nearest_members(name: str, family: type[Format[Any]]) -> list[str]:
    """Give the members of the same prefix whose numbers differ least from those in ``name``."""
    prefix, wanted = _split(name)
    members = [member for member in family.names() if _split(member)[0] == prefix]
    return sorted(
        members,
        key=lambda member: sum(abs(a - b) for a, b in zip(_split(member)[1], wanted, strict=True)),
    )[:_PROPOSED]


def _split(name: str) -> tuple[str, list[int]]:
    return re.sub(r"-?\d+", "#", name), [int(number) for number in re.findall(r"-?\d+", name)]
