"""Where tensors live: channel-last bytes in one of two banks, some as slices of a concatenation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitwright.network import Concat, Flatten, Input, Layer, Network


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A tensor as bytes of its root: pixel p, channel c lies at offset + p pitch + c.

    Of a binary tensor a byte holds eight channels, the first in its lowest bit; what fills up a
    pixel's last byte is 0.
    """

    root: str
    """The tensor whose memory it shares; itself, unless concatenated or flattened."""
    offset: int
    pitch: int
    """Bytes from a pixel to the next."""
    height: int
    width: int
    channels: int
    """Bytes of a pixel."""

    @property
    def dense(self) -> bool:
        """Whether the tensor is one run of bytes."""
        return self.pitch == self.channels or self.height * self.width == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A tensor that must be copied before use: into a concatenation, or away from a bank."""

    source: str
    target: str
    """Name of the copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Views of all tensors, and the copies that make the concatenations whole."""

    views: dict[str, View]
    copies: dict[str, tuple[Copy, ...]]
    """By concatenation."""
    orders: dict[str, NDArray[np.int64]]
    """Of vectors: the logical index of each stored byte, or bit; -1 where there is none."""


def assign_storage(network: Network) -> Storage:
    """Give every tensor its view: concatenations are written in place where that is possible."""
    parents, copies = _concatenations(network)
    views: dict[str, View] = {}
    orders: dict[str, NDArray[np.int64]] = {}

    def view(name: str) -> View:
        if name not in views:
            layer = network[name]
            height, width, channels = image_shape(layer)
            if name in parents:
                parent, offset = parents[name]
                outer = view(parent)
                views[name] = View(
                    root=outer.root,
                    offset=outer.offset + offset,
                    pitch=outer.pitch,
                    height=height,
                    width=width,
                    channels=channels,
                )
            elif isinstance(layer, Flatten):
                inner = view(layer.inputs[0])
                stored = inner.height * inner.width * inner.channels
                views[name] = View(
                    root=inner.root,
                    offset=inner.offset,
                    pitch=stored,
                    height=1,
                    width=1,
                    channels=stored,
                )
            else:
                views[name] = View(
                    root=name,
                    offset=0,
                    pitch=channels,
                    height=height,
                    width=width,
                    channels=channels,
                )
        return views[name]

    for layer in network:
        view(layer.name)
        if len(layer.shape) == 1:
            orders[layer.name] = _order(network, layer, orders)
    for name, made in copies.items():
        offset = 0
        outer = views[name]
        by_position = {copy.target: copy for copy in made}
        for position, source in enumerate(network[name].inputs):
            height, width, channels = image_shape(network[source])
            target = f"{name}.{position}"
            if target in by_position:
                views[target] = View(
                    root=outer.root,
                    offset=outer.offset + offset,
                    pitch=outer.pitch,
                    height=height,
                    width=width,
                    channels=channels,
                )
            offset += channels
    return Storage(views=views, copies=copies, orders=orders)


def image_shape(layer: Layer) -> tuple[int, int, int]:
    """(height, width, bytes of a pixel); a vector is one pixel.

    One that was flattened holds its image's pixels, each of whole bytes; see `assign_storage`.
    """
    channels, height, width = layer.shape if len(layer.shape) == 3 else (*layer.shape, 1, 1)
    return height, width, -(-channels // 8) if layer.output.binary else channels


def _concatenations(
    network: Network,
) -> tuple[dict[str, tuple[str, int]], dict[str, tuple[Copy, ...]]]:
    """Which tensor is written into which concatenation, and which must be copied there."""
    parents: dict[str, tuple[str, int]] = {}
    copies: dict[str, tuple[Copy, ...]] = {}
    flattened = {layer.inputs[0] for layer in network if isinstance(layer, Flatten)}
    for layer in network:
        if not isinstance(layer, Concat):
            continue
        offset, made = 0, []
        for position, name in enumerate(layer.inputs):
            producer = network[name]
            # A flattened tensor and the input must be one run of bytes; a slice is not.
            runs = isinstance(producer, Input | Flatten) or name in flattened
            if name in parents or runs:
                made.append(Copy(source=name, target=f"{layer.name}.{position}"))
            else:
                parents[name] = (layer.name, offset)
            offset += image_shape(producer)[2]
        if made:
            copies[layer.name] = tuple(made)
    return parents, copies


def _order(
    network: Network, layer: Layer, orders: dict[str, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The logical index of each stored byte of a vector, or bit if it is binary."""
    if isinstance(layer, Flatten):
        inner = network[layer.inputs[0]]
        if len(inner.shape) == 1:
            return orders[inner.name]
        channels, height, width = inner.shape
        logical = np.arange(layer.shape[0]).reshape(channels, height, width)
        stored = logical.transpose(1, 2, 0)  # (H, W, C)
        return _in_bytes(stored).reshape(-1) if layer.output.binary else stored.reshape(-1)
    if isinstance(layer, Concat):
        parts, offset = [], 0
        for name in layer.inputs:
            parts.append(orders[name] + offset)
            offset += len(orders[name])
        return np.concatenate(parts)
    moved = [orders[name] for name in layer.inputs if name in orders]
    elementwise = type(layer).__name__ in ("Add", "Requantize")
    if elementwise and moved:
        return moved[0]
    plain: NDArray[np.int64] = np.arange(layer.shape[0])
    return _in_bytes(plain) if layer.output.binary else plain


def _in_bytes(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Filled up along the last axis to whole bytes, with -1."""
    missing = -bits.shape[-1] % 8
    return np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, missing)], constant_values=-1)
