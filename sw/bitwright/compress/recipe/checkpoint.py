"""A state as one safetensors file, and the key under which it can be trusted; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from bitwright.compress.grid import Grid
from bitwright.compress.simulation import layers
from bitwright.compress.state import State, with_parameters
from bitwright.compress.step import Step
from bitwright.data import Dataset, Split
from bitwright.files import write_whole
from bitwright.importers.graph import FloatGraph
from bitwright.network import Network, Quantization

VERSION = 1
"""Changes whenever a method gives other results: old checkpoints are then not taken up."""
_HEADER = "bitwright.recipe"
Arrays = dict[str, NDArray[Any]]


def start_key(graph: FloatGraph, dataset: Dataset, settings: tuple[object, ...]) -> str:
    """The sha256, in hex, of all that a recipe starts from."""
    state = hashlib.sha256(repr((VERSION, *settings)).encode())
    for node in graph.nodes:
        for field in fields(node):
            _add(state, field.name, getattr(node, field.name))
    for split in (dataset.train, dataset.validation, dataset.test):
        for field in fields(Split):
            _add(state, field.name, getattr(split, field.name))
    return state.hexdigest()


def next_key(key: str, step: Step) -> str:
    """The key after a step: it depends on all before."""
    told = json.dumps({"step": step.name} | asdict(step), sort_keys=True)
    return hashlib.sha256(f"{key} {told}".encode()).hexdigest()


def save(path: Path, key: str, state: State, records: list[dict[str, Any]]) -> None:
    """Write a checkpoint, whole or not at all."""
    arrays: Arrays = {}
    for kind, graph in (("original", state.original), ("graph", state.graph)):
        for name, layer in layers(graph).items():
            arrays[f"{kind}.weight.{name}"] = layer.weight
            arrays[f"{kind}.bias.{name}"] = layer.bias
    for name, grid in state.grids.items():
        for part in ("levels", "scale", "offset"):
            arrays[f"grid.{part}.{name}"] = getattr(grid, part)
    if state.integers is not None:
        arrays["integers"] = np.frombuffer(state.integers.to_bytes(), np.uint8)
    header = {
        "key": key,
        "activations": {name: asdict(q) for name, q in state.activations.items()},
        "grids": {name: grid.format for name, grid in state.grids.items()},
        "encoded": dict(state.encoded),
        "formats": dict(state.formats),
        "coded": dict(state.coded),
        "findings": dict(state.findings),
        "records": records,
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = save_arrays(contiguous, metadata={_HEADER: json.dumps(header)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, bytes(data))


def load(path: Path, key: str, graph: FloatGraph) -> tuple[State, list[dict[str, Any]]] | None:
    """The state in a checkpoint of that key; None if there is none, or it is damaged."""
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][_HEADER])
        arrays = dict(load_arrays(data))
        if header["key"] != key:
            return None
        return _build(graph, header, arrays), header["records"]
    except (OSError, KeyError, ValueError, SafetensorError):
        return None


def _build(graph: FloatGraph, header: Mapping[str, Any], arrays: Arrays) -> State:
    known = layers(graph)

    def parameters(kind: str) -> FloatGraph:
        return with_parameters(
            graph,
            weights={name: arrays[f"{kind}.weight.{name}"] for name in known},
            biases={name: arrays[f"{kind}.bias.{name}"] for name in known},
        )

    return State(
        original=parameters("original"),
        graph=parameters("graph"),
        activations={name: Quantization(**q) for name, q in header["activations"].items()},
        grids={
            name: Grid(
                format=fmt,
                **{part: arrays[f"grid.{part}.{name}"] for part in ("levels", "scale", "offset")},
            )
            for name, fmt in header["grids"].items()
        },
        encoded=header["encoded"],
        formats=header["formats"],
        coded=header["coded"],
        integers=_network(arrays.get("integers")),
        findings=header["findings"],
    )


def _network(data: NDArray[Any] | None) -> Network | None:
    return None if data is None else Network.from_bytes(data.tobytes(), "a checkpoint")


def _add(state: Any, name: str, value: object) -> None:
    if isinstance(value, np.ndarray):
        state.update(f"{name} {value.dtype} {value.shape}\n".encode())
        state.update(np.ascontiguousarray(value).tobytes())
    else:
        state.update(f"{name} {value!r}\n".encode())
