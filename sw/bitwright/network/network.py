"""The network of integer layers: the object that compiler, simulator and user share."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from bitwright.network import execute, io
from bitwright.network.errors import NetworkError, NetworkFileError
from bitwright.network.execute import Int8
from bitwright.network.layers import (
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Conv2d,
    Layer,
    Linear,
    Quantization,
    Requantization,
    Threshold,
)
from bitwright.network.operands import operands
from bitwright.network.validate import validate

_CHUNK_BYTES = 1 << 21


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in topological order: the first is the one Input, the last is the output.

    Construction checks every rule (`NetworkError` names layer, rule and value) and keeps read-only
    int64 copies of the arrays, so that a network never changes. Networks are equal, and hash
    equal, when their digests are.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        validate(self.layers)
        object.__setattr__(self, "layers", tuple(_frozen(layer) for layer in self.layers))

    # Looking at it

    def __getitem__(self, name: str) -> Layer:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"no layer {name!r}; there are {', '.join(self._by_name)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Network) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def input(self) -> Layer:
        """The Input layer, whose shape and quantization `run` takes."""
        return self.layers[0]

    @property
    def output(self) -> Layer:
        """The layer whose codes `run` returns."""
        return self.layers[-1]

    def formats(self, layer: Layer) -> tuple[Quantization, ...]:
        """The quantizations of the layer's inputs."""
        return tuple(self[name].output for name in layer.inputs)

    def users(self, name: str) -> tuple[Layer, ...]:
        """The layers that read the codes of layer ``name``, in order."""
        return tuple(layer for layer in self.layers if name in layer.inputs)

    @cached_property
    def digest(self) -> str:
        """sha256, in hex, of all layers: equal exactly for equal networks, on every machine."""
        return io.digest(self.layers)

    def macs(self) -> dict[str, int]:
        """Multiply-accumulates of each layer for one image; padding counts, pooling has none."""
        return {layer.name: _macs(layer) for layer in self.layers}

    # Running it

    @overload
    def run(self, x: ArrayLike, taps: Literal[False] = False) -> Int8: ...
    @overload
    def run(self, x: ArrayLike, taps: Literal[True]) -> tuple[Int8, dict[str, Int8]]: ...
    def run(self, x: ArrayLike, taps: bool = False) -> Int8 | tuple[Int8, dict[str, Int8]]:
        """The output codes (N, *output shape) for input codes (N, *input shape), as int8.

        With ``taps``, also the codes of every layer by name. Raises ValueError for input that is
        not integer, not of that shape, or outside the input's code range.
        """
        codes = self._input_codes(x)
        kept = self.layers if taps else self.layers[-1:]
        results = {layer.name: np.empty((len(codes), *layer.shape), np.int8) for layer in kept}
        for start in range(0, len(codes), self._images_per_chunk):
            chunk = slice(start, start + self._images_per_chunk)
            computed = self._run_chunk(codes[chunk])
            for name, result in results.items():
                result[chunk] = computed[name]
        output = results[self.output.name]
        return (output, results) if taps else output

    def run_layer(self, name: str, inputs: Sequence[Int8]) -> Int8:
        """The output codes of one layer, given its inputs' codes, each (N, *shape)."""
        return execute.run_layer(self[name], inputs, self.formats(self[name]))

    def accumulators(self, name: str, inputs: Sequence[Int8]) -> Codes:
        """The exact sum that one layer requantizes, before it does; see `execute.accumulate`."""
        return execute.accumulate(self[name], inputs, self.formats(self[name]))

    def operands(
        self, name: str, inputs: Sequence[Int8], index: tuple[int, ...]
    ) -> tuple[Codes, Codes]:
        """Activation and weight codes of output element ``index``; see `operands.operands`."""
        return operands(self[name], inputs, self.formats(self[name]), index)

    # Keeping it

    def save(self, path: str | Path) -> None:
        """Write a `.bw` file; an existing file is replaced whole or not at all."""
        io.save(self.layers, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Network":
        """Read a `.bw` file; `NetworkFileError` names the file and what is wrong with it."""
        return cls.from_bytes(Path(path).read_bytes(), source=str(path))

    def to_bytes(self) -> bytes:
        """The content of a `.bw` file; equal networks give equal bytes."""
        return io.to_bytes(self.layers)

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "network bytes") -> "Network":
        """The network in the content of a `.bw` file; errors call it ``source``."""
        layers = io.from_bytes(data, source)
        try:
            return cls(layers)
        except NetworkError as error:
            raise NetworkFileError(f"{source}: {error}") from error

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def _images_per_chunk(self) -> int:
        """As many images as keep the largest layer's int64 results in the cache."""
        largest = max(8 * math.prod(layer.shape) for layer in self.layers)
        return max(1, _CHUNK_BYTES // largest)

    def _input_codes(self, x: ArrayLike) -> Int8:
        codes, expected = np.asarray(x), self.input
        if not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(f"input must be integer codes, found {codes.dtype}")
        if codes.shape[1:] != expected.shape or codes.ndim == 0:
            shape = ", ".join(map(str, expected.shape))
            raise ValueError(f"input must have the shape (N, {shape}), found {codes.shape}")
        low, high = expected.output.low, expected.output.high
        outside = (codes < low) | (codes > high)
        if outside.any():
            index = tuple(int(i) for i in np.argwhere(outside)[0])
            text = f"input codes must lie in {low}..{high}, found {codes[index]} at index {index}"
            raise ValueError(text)
        return codes.astype(np.int8, copy=False)

    def _run_chunk(self, x: Int8) -> dict[str, Int8]:
        codes = {self.input.name: x}
        for layer in self.layers[1:]:
            inputs = [codes[name] for name in layer.inputs]
            codes[layer.name] = execute.run_layer(layer, inputs, self.formats(layer))
        return codes


def _macs(layer: Layer) -> int:
    match layer:
        case Conv2d() | BinaryConv2d():
            return int(layer.weight.size) * math.prod(layer.shape[1:])
        case Linear() | BinaryLinear():
            return int(layer.weight.size)
        case _:
            return 0


def _frozen(record: Any) -> Any:
    """The dataclass with each array replaced by a read-only int64 copy, where it is not one."""
    changed: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Requantization | Threshold):
            changed[field.name] = _frozen(value)
        elif isinstance(value, np.ndarray) and (value.dtype != np.int64 or value.flags.writeable):
            changed[field.name] = np.array(value, np.int64)
            changed[field.name].flags.writeable = False
    return replace(record, **changed)
