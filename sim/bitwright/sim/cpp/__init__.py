"""The C++ that is compiled into models, read as text."""

from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """The text of a file of this folder."""
    return files(__name__).joinpath(name).read_text()
