"""The `.bw` file: a safetensors file whose metadata carries the layers as JSON; no pickle.

The one metadata key `bitwright` holds ``{"format", "version", "digest", "layers"}``. Arrays are
stored under ``<layer>.<field>`` in the narrowest of the types below, weights of binary layers eight
to a byte; the digest covers layers and arrays, so that a changed bit is noticed. Equal networks
give equal bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from bitwright.arith import Rounding, pack_bits, unpack_bits
from bitwright.files import write_whole
from bitwright.network.errors import NetworkFileError
from bitwright.network.layers import (
    Add,
    AvgPool2d,
    BinaryConv2d,
    BinaryLinear,
    Codes,
    Concat,
    Conv2d,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool2d,
    Quantization,
    Requantization,
    Requantize,
    Result,
    Threshold,
)

FORMAT = "bitwright.network"
VERSION = 2
"""Of the newest files: 2 knows binary layers. What a version 1 can say is written as one."""

_KINDS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in (
        Input,
        Conv2d,
        Linear,
        BinaryConv2d,
        BinaryLinear,
        Add,
        MaxPool2d,
        AvgPool2d,
        Requantize,
        Concat,
        Flatten,
    )
}
# How each array field is stored. No field's dotted name is the tail of another's, so
# `<layer>.<field>` is unique whatever dots a layer's name has.
_STORED = {
    "weight": "<i1",
    "bias": "<i4",
    "residual_multiplier": "<i4",
    "requantization.multiplier": "<i4",
    "requantization.shift": "<u1",
    "requantization.value": "<i8",
    "requantization.direction": "<i1",
}
_PACKED = (BinaryConv2d, BinaryLinear)
"""Kinds whose weights are stored eight to a byte, as `arith.pack_bits` does, beside their shape."""
_STORED_LAYER = tuple(name for name in _STORED if "." not in name)
_STORED_REQUANTIZATION = tuple(name for name in _STORED if "." in name)
_TUPLES = {"inputs", "shape", "stride", "padding", "dilation", "kernel"}


def digest(layers: tuple[Layer, ...]) -> str:
    """The sha256, in hex, of the layers' JSON and arrays: equal exactly for equal networks."""
    return _digest([_describe(layer) for layer in layers], _arrays(layers))


def to_bytes(layers: tuple[Layer, ...]) -> bytes:
    """The content of a `.bw` file."""
    described, arrays = [_describe(layer) for layer in layers], _arrays(layers)
    header = {
        "format": FORMAT,
        "version": 2 if any(layer.output.binary for layer in layers) else 1,
        "digest": _digest(described, arrays),
        "layers": described,
    }
    return bytes(save_arrays(arrays, metadata={"bitwright": _json(header)}))


def from_bytes(data: bytes, source: str = "network bytes") -> tuple[Layer, ...]:
    """The layers in ``data``; raises `NetworkFileError` naming ``source`` and what is wrong.

    The layers are as stored and not yet validated as a network.
    """
    try:
        header = _read_header(data)
        arrays = _read_arrays(data)
        if _digest(header["layers"], arrays) != header["digest"]:
            raise NetworkFileError("damaged: its content does not give the digest it carries")
        layers = tuple(_build(entry, arrays) for entry in header["layers"])
        if arrays:
            raise NetworkFileError(f"array {min(arrays)!r} belongs to no layer")
    except NetworkFileError as error:
        raise NetworkFileError(f"{source}: {error}") from error
    return layers


def save(layers: tuple[Layer, ...], path: Path) -> None:
    """Write a `.bw` file, whole or not at all."""
    write_whole(path, to_bytes(layers))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _describe(layer: Layer) -> dict[str, Any]:
    """Everything of a layer but its arrays."""
    described = {"kind": type(layer).__name__} | _plain(layer)
    if isinstance(layer, _PACKED):
        described["weight_shape"] = list(layer.weight.shape)
    return described


def _plain(record: Any) -> dict[str, Any]:
    """A dataclass's fields as JSON values; arrays, there or missing, stay out."""
    plain: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Rounding):
            plain[field.name] = value.value
        elif isinstance(value, Quantization | Requantization | Threshold):
            plain[field.name] = _plain(value)
        elif field.name == "scale":
            plain[field.name] = float(value)  # 1 and 1.0 are one scale, hence one digest
        elif not (value is None or isinstance(value, np.ndarray)):
            plain[field.name] = value
    return plain


def _arrays(layers: tuple[Layer, ...]) -> dict[str, NDArray[Any]]:
    """The arrays of all layers under their keys, as stored."""
    arrays = {}
    for layer in layers:
        for name, dtype in _STORED.items():
            value: Any = layer
            for part in name.split("."):
                value = getattr(value, part, None)
            if isinstance(layer, _PACKED) and name == "weight":
                arrays[f"{layer.name}.{name}"] = pack_bits(value, 1)
            elif value is not None:
                arrays[f"{layer.name}.{name}"] = np.ascontiguousarray(value, dtype)
    return arrays


def _digest(described: object, arrays: Mapping[str, NDArray[Any]]) -> str:
    state = hashlib.sha256(_json(described).encode())
    for key, array in sorted(arrays.items()):
        state.update(f"{key} {array.shape} {array.dtype.str}\n".encode())
        state.update(array.tobytes())
    return state.hexdigest()


def _read_header(data: bytes) -> dict[str, Any]:
    """The JSON header, after the checks that tell another file or a newer one from ours."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["bitwright"])
        found, version = header["format"], header["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise NetworkFileError("not a .bw file: no safetensors file with our header") from error
    if found != FORMAT:
        raise NetworkFileError(f"not a network: format must be {FORMAT!r}, found {found!r}")
    if type(version) is not int or version < 1:
        raise NetworkFileError(f"version must be a positive int, found {version!r}")
    if version > VERSION:
        text = f"version {version} is newer than this bitwright reads ({VERSION}); update bitwright"
        raise NetworkFileError(text)
    if not isinstance(header.get("layers"), list) or not isinstance(header.get("digest"), str):
        raise NetworkFileError("header must have a list 'layers' and a string 'digest'")
    return dict(header)


def _read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        return dict(load_arrays(data))
    except (SafetensorError, KeyError) as error:  # KeyError: an element type numpy does not have
        raise NetworkFileError(f"damaged or cut short: {error}") from error


def _build(entry: object, arrays: dict[str, NDArray[Any]]) -> Layer:
    """One layer from its JSON, taking its arrays out of ``arrays``."""
    kind = entry.get("kind") if isinstance(entry, dict) else entry
    if not (isinstance(entry, dict) and isinstance(kind, str) and kind in _KINDS):
        raise NetworkFileError(f"layer kind must be one of {', '.join(_KINDS)}, found {kind!r}")
    values: dict[str, Any] = {key: value for key, value in entry.items() if key != "kind"}
    name = values.get("name")
    try:
        values["output"] = Quantization(**values["output"])
        if "requantization" in values:
            values["requantization"] = _result(values["requantization"], name, arrays)
        for key in _TUPLES & values.keys():
            values[key] = tuple(values[key])
        if issubclass(_KINDS[kind], _PACKED):
            values["weight"] = _unpacked(values.pop("weight_shape"), arrays.pop(f"{name}.weight"))
        return _KINDS[kind](**values | _take(arrays, name, _STORED_LAYER))
    except (TypeError, KeyError, ValueError) as error:
        raise NetworkFileError(f"layer {name!r} is malformed: {error}") from error


def _unpacked(shape: list[int], packed: NDArray[Any]) -> Codes:
    if packed.dtype != np.uint8:
        raise ValueError(f"weight of bits must be stored as uint8, found {packed.dtype}")
    return unpack_bits(packed, 1, prod(shape), signed=False).reshape(shape)


def _result(entry: dict[str, Any], layer: object, arrays: dict[str, NDArray[Any]]) -> Result:
    """A `Threshold` is all arrays; only a `Requantization` has a rounding."""
    taken = _take(arrays, layer, _STORED_REQUANTIZATION)
    if "rounding" not in entry:
        return Threshold(**entry | taken)
    return Requantization(**entry | taken | {"rounding": Rounding(entry["rounding"])})


def _take(
    arrays: dict[str, NDArray[Any]], layer: object, names: tuple[str, ...]
) -> dict[str, Codes]:
    """Remove and return a layer's arrays of these names, widened; keys are the last name parts."""
    taken = {}
    for name in names:
        array = arrays.pop(f"{layer}.{name}", None)
        if array is None:
            continue
        if array.dtype != _STORED[name]:
            text = f"{name} must be stored as {np.dtype(_STORED[name])}, found {array.dtype}"
            raise ValueError(text)
        taken[name.rpartition(".")[2]] = array.astype(np.int64)
    return taken
