"""The geometry of a sliding window: where a kernel lies and how large its output is."""

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.number)

PairLike: TypeAlias = int | tuple[int, int]
PaddingLike: TypeAlias = int | tuple[int, int] | tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Kernel, stride, dilation and padding of a two-dimensional sliding window."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    """Top, left, bottom, right."""

    @classmethod
    def of(
        cls,
        kernel: tuple[int, int],
        stride: PairLike = 1,
        padding: PaddingLike = 0,
        dilation: PairLike = 1,
    ) -> "Window":
        """Build one from integers, pairs or, for padding, (top, left, bottom, right)."""
        return cls(
            kernel=_pair("kernel", kernel, 1),
            stride=_pair("stride", stride, 1),
            dilation=_pair("dilation", dilation, 1),
            padding=_padding(padding),
        )

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Give the input's size with its padding."""
        top, left, bottom, right = self.padding
        return height + top + bottom, width + left + right

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Give floor((padded - dilation (kernel - 1) - 1) / stride) + 1, per axis; at least 1.

        >>> Window.of((3, 3), stride=2, padding=1).output(8, 7)
        (4, 4)
        """
        sizes = self.padded(height, width)
        spans = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        if spans[0] > sizes[0] or spans[1] > sizes[1]:
            raise ValueError(
                f"the kernel spans {spans[0]}x{spans[1]} but the padded input is only "
                f"{sizes[0]}x{sizes[1]}"
            )
        rows, columns = (
            (size - span) // step + 1
            for size, span, step in zip(sizes, spans, self.stride, strict=True)
        )
        return rows, columns

    def view(self, padded: NDArray[Number], rows: int, columns: int) -> NDArray[Number]:
        """Give each tap's image as a view of ``padded`` (n, c, y, x): (c, ky, kx, n, oy, ox)."""
        n, c, _, _ = padded.shape
        by_n, by_c, by_y, by_x = padded.strides
        return as_strided(
            padded,
            shape=(c, *self.kernel, n, rows, columns),
            strides=(
                by_c,
                self.dilation[0] * by_y,
                self.dilation[1] * by_x,
                by_n,
                self.stride[0] * by_y,
                self.stride[1] * by_x,
            ),
            writeable=False,
        )


def _pair(name: str, value: PairLike, least: int) -> tuple[int, int]:
    numbers = _integers(value, least)
    if len(numbers) not in (1, 2):
        raise ValueError(f"{name} must be an integer or a pair, each at least {least}, not {value}")
    return numbers[0], numbers[-1]


def _padding(value: PaddingLike) -> tuple[int, int, int, int]:
    numbers = _integers(value, 0)
    if len(numbers) not in (1, 2, 4):
        raise ValueError(
            "padding must be an integer, a pair or (top, left, bottom, right), each at least 0, "
            f"not {value}"
        )
    top, left, bottom, right = (numbers * 4)[:4]
    return top, left, bottom, right


def _integers(value: PaddingLike, least: int) -> list[int]:
    """Give the integers of a number or a sequence; none if any is below ``least`` or no integer."""
    array = np.atleast_1d(value)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < least).any():
        return []
    return [int(number) for number in array]
