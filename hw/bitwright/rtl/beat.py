"""What the streams carry."""

from amaranth.lib import data
from amaranth.lib.data import ArrayLayout


class Beat(data.StructLayout):
    """One beat of a stream: a word of ``lanes`` bytes, and whether it ends its packet."""

    def __init__(self, lanes: int) -> None:
        super().__init__({"word": ArrayLayout(8, lanes), "last": 1})
