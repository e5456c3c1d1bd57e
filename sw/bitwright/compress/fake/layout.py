"""A tensor cut into blocks along an axis, or into channels, and what those share."""

from math import prod

from torch import Tensor
from torch.nn.functional import pad


def cut(x: Tensor, axis: int, block: int) -> Tensor:
    """Give (rows, blocks, block): rows along ``axis``, the last block filled up with zeros."""
    moved = _vector(x).movedim(axis, -1)
    width = moved.shape[-1]
    blocks = -(-width // block)
    rows = prod(moved.shape[:-1])
    flat = moved.reshape(rows, width)
    return pad(flat, (0, blocks * block - width)).reshape(rows, blocks, block)


def join(blocks: Tensor, axis: int, like: Tensor) -> Tensor:
    """Give blocks back in the shape and order of the tensor that was `cut`."""
    moved = _vector(like).movedim(axis, -1)
    flat = blocks.flatten(1)[:, : moved.shape[-1]]
    return flat.reshape(moved.shape).movedim(-1, axis).contiguous().reshape(like.shape)


def _vector(x: Tensor) -> Tensor:
    """Give a number as a vector of one, and anything else as it is."""
    return x if x.ndim else x.reshape(1)


def by_channel(x: Tensor, channel_axis: int | None) -> Tensor:
    """Give a matrix with a row per channel, or one row without a channel axis."""
    if channel_axis is None or x.ndim == 0:
        return x.reshape(1, x.numel())
    moved = x.movedim(channel_axis, 0)
    return moved.reshape(moved.shape[0], x.numel() // max(moved.shape[0], 1))


def along(parameter: Tensor, x: Tensor, channel_axis: int | None) -> Tensor:
    """Shape a number, or a vector of channels, to broadcast against ``x``."""
    if channel_axis is None or parameter.ndim == 0:
        return parameter.reshape(())
    shape = [1] * x.ndim
    if x.ndim:
        shape[channel_axis] = -1
    return parameter.reshape(shape)


def sum_shared(x: Tensor, parameter: Tensor, channel_axis: int | None) -> Tensor:
    """Sum over all that shares one element of ``parameter``, in its shape."""
    if parameter.ndim == 0:
        return x.sum()
    return by_channel(x, channel_axis).sum(1)


def finite_extremes(x: Tensor, channel_axis: int | None) -> tuple[Tensor, Tensor]:
    """Give min(x, 0) and max(x, 0) over finite x: numbers, or vectors of the channels."""
    finite = by_channel(x.nan_to_num(posinf=0, neginf=0), channel_axis)
    if not x.numel():
        finite = pad(finite, (0, 1))  # the least and the greatest of nothing are zero
    if channel_axis is None:
        low, high = finite.aminmax()
    else:
        low, high = finite.aminmax(dim=1)
    return low.clamp(max=0), high.clamp(min=0)
