"""Simulation models of the ECP5's cells: for netlists, and for designs that instantiate them.

Each is a file of `models/`, named by its module in small letters, and stands alone. It describes
what the cell computes, not how long it takes; a parameter it does not follow stops the simulator at
elaboration with a message that names the cell.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from bitwright.synth.tools import SynthesisError


@cache
def modelled_cells() -> tuple[str, ...]:
    """Return the cells that have a model, in alphabetical order.

    >>> "MULT18X18D" in modelled_cells()
    True
    """
    folder = files("bitwright.synth").joinpath("models")
    return tuple(sorted(item.name.removesuffix(".v").upper() for item in folder.iterdir()))


def primitive_verilog(cells: Iterable[str]) -> str:
    """Return the Verilog of the models of these cells, each once.

    Raises:
        SynthesisError: a cell has no model; names it and those that have one.
    """
    wanted = sorted(set(cells))
    for cell in wanted:
        if cell not in modelled_cells():
            raise SynthesisError(
                f"cell {cell} has no simulation model; modelled are {', '.join(modelled_cells())}"
            )
    folder = files("bitwright.synth").joinpath("models")
    return "\n".join(folder.joinpath(f"{cell.lower()}.v").read_text() for cell in wanted)
