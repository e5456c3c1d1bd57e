"""Where a layer's codes lie in the machine, and how they get there and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A tensor in an activation bank: pixel p's channels lie at base + p pitch."""

    bank: int
    base: int
    pitch: int
    """Bytes from a pixel to the next."""
    pixels: int
    channels: int
    bits: int = 8
    """Of a code: 8, or 1 where a byte holds eight channels, the first in its lowest bit."""

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel's channels."""
        return -(-self.channels * self.bits // 8)

    @property
    def extent(self) -> int:
        """Bytes from the first to the last, gaps included."""
        return (self.pixels - 1) * self.pitch + self.pixel_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """Where a layer's output appears, and when."""

    name: str
    region: Region
    instructions: tuple[int, ...]
    """The execute instructions that compute it; it is complete when the last is done."""
    shape: tuple[int, ...]
    order: tuple[int, ...] | None
    """Of a vector: the logical index of each code as stored, -1 for a bit that fills up a byte."""
    lines: tuple[tuple[int, ...], ...] | None = None
    """Of an input stored stacked (`bitwright.compiler.stacking`): the image's lines that are side
    by side in each stored line, -1 for padding."""


def stored(codes: NDArray[np.int8], plan: LayerPlan, pad: int) -> NDArray[np.int8]:
    """Codes (N, *shape) as the bytes (N, bytes) of the plan's region, without gaps.

    ``pad`` is the code of what lies around an image, for a plan with ``lines``.
    """
    if plan.lines is not None:
        padding = np.full_like(codes[:, :, :1], pad)
        lines = np.concatenate([codes, padding], axis=2)[:, :, np.array(plan.lines)]
        # (N, C, line, ky, W) to (N, line, W, ky, C)
        return np.ascontiguousarray(lines.transpose(0, 2, 4, 3, 1)).reshape(len(codes), -1)
    pixels = codes.transpose(0, 2, 3, 1) if codes.ndim == 4 else codes
    if plan.region.bits == 1:
        pixels = np.packbits(pixels.astype(np.uint8), axis=-1, bitorder="little").view(np.int8)
    return np.ascontiguousarray(pixels).reshape(len(codes), -1)


def restored(data: NDArray[np.uint8], plan: LayerPlan, batch: int) -> NDArray[np.int8]:
    """(packets, >= extent) bytes from the region's base as codes (N, *shape).

    A packet holds ``batch`` images.
    """
    region = plan.region
    index = np.arange(region.pixels)[:, None] * region.pitch + np.arange(region.pixel_bytes)
    pixels = data.view(np.int8)[:, index]  # (packets, pixels, bytes)
    if region.bits == 1:
        bits = np.unpackbits(pixels.view(np.uint8), axis=2, bitorder="little")
        pixels = bits[:, :, : region.channels].view(np.int8)
    pixels = pixels.reshape(
        len(data) * batch, region.pixels // batch, region.channels
    )  # (N, pixels, channels)
    if plan.lines is not None:
        return _unstacked(pixels, plan)
    if len(plan.shape) == 3:
        channels, height, width = plan.shape
        return np.ascontiguousarray(
            pixels.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
        )
    flat = pixels.reshape(len(pixels), -1)
    if plan.order is None:
        return np.ascontiguousarray(flat)
    order = np.array(plan.order)
    logical = np.empty((len(flat), *plan.shape), np.int8)
    logical[:, order[order >= 0]] = flat[:, order >= 0]
    return logical


def _unstacked(pixels: NDArray[np.int8], plan: LayerPlan) -> NDArray[np.int8]:
    """(N, pixels, ky C) of a stacked input as codes (N, C, H, W)."""
    channels, height, width = plan.shape
    lines = np.array(plan.lines)
    sent = pixels.reshape(len(pixels), len(lines), width, lines.shape[1], channels)
    codes = np.empty((len(pixels), channels, height, width), np.int8)
    for y in range(height):
        line, place = np.argwhere(lines == y)[0]
        codes[:, :, y] = sent[:, line, :, place].transpose(0, 2, 1)
    return codes
