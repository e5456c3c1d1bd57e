"""Programs in ``.bwp`` files: a header with a CRC, JSON, instructions, data and the network."""

import json
import struct
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from bitwright.compiler.plan import LayerPlan, Region
from bitwright.isa import Architecture, ArchitectureError
from bitwright.isa.registers import VERSION
from bitwright.network import Network, NetworkFileError

if TYPE_CHECKING:
    from bitwright.compiler.program import Program

FILE_MAGIC = b"BWP\x01"
_FIXED = struct.Struct("<4sIQI")  # magic, version, architecture hash, CRC of what follows


class ProgramError(ValueError):
    """A file that is not a program, or a damaged one."""


def to_bytes(program: "Program") -> bytes:
    """The content of a file."""
    execute = np.array(program.execute, np.uint32).tobytes()
    fetch = np.array(program.fetch, np.uint32).tobytes()
    data = [program.prologue.tobytes(), program.body.tobytes()]
    sections = [execute, fetch, *data, program.network.to_bytes()]
    head = json.dumps(
        {
            "architecture": json.loads(program.architecture.to_json()),
            "prologue_count": program.prologue_count,
            "credits": program.credits,
            "batch": program.batch,
            "execute_count": len(program.execute),
            "fetch_count": len(program.fetch),
            "sections": [len(s) for s in sections],
            "layers": [asdict(plan) for plan in program.layers],
        }
    ).encode()
    content = struct.pack("<I", len(head)) + head + b"".join(sections)
    return (
        _FIXED.pack(FILE_MAGIC, VERSION, program.architecture.hash, zlib.crc32(content)) + content
    )


def from_bytes(data: bytes, source: str) -> dict[str, Any]:
    """The fields of the program in the content of a file; errors call it ``source``.

    Raises:
        ProgramError: another file, one of another version, or a damaged one.
        ArchitectureError, NetworkFileError: the same of what is in it.
    """
    if len(data) < _FIXED.size + 4 or data[:4] != FILE_MAGIC:
        raise ProgramError(f"{source}: not a bitwright program (.bwp)")
    _, version, digest, crc = _FIXED.unpack_from(data)
    if version != VERSION:
        raise ProgramError(f"{source}: program version {version}; this bitwright reads {VERSION}")
    content = data[_FIXED.size :]
    if zlib.crc32(content) != crc:
        raise ProgramError(f"{source}: damaged: the CRC does not match its content")
    try:
        found = _read(content, source)
    except (ArchitectureError, NetworkFileError):
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ProgramError(f"{source}: malformed: {error!r}") from None
    if found["architecture"].hash != digest:
        raise ProgramError(f"{source}: the architecture does not have the header's hash")
    return found


def _read(content: bytes, source: str) -> dict[str, Any]:
    start = 4 + int.from_bytes(content[:4], "little")
    head = json.loads(content[4:start])
    architecture = Architecture.from_mapping(dict(head["architecture"]), source)
    parts = []
    for size in head["sections"]:
        parts.append(content[start : start + size])
        start += size
    execute, fetch, prologue, body, network = parts
    return {
        "architecture": architecture,
        "network": Network.from_bytes(network, source),
        "execute": _instructions(execute, head["execute_count"]),
        "fetch": _instructions(fetch, head["fetch_count"]),
        "prologue_count": head["prologue_count"],
        "credits": head["credits"],
        "prologue": np.frombuffer(prologue, np.uint8).reshape(-1, architecture.lanes),
        "body": np.frombuffer(body, np.uint8).reshape(-1, architecture.lanes),
        "layers": tuple(_plan(values) for values in head["layers"]),
        "batch": head["batch"],
    }


def _instructions(data: bytes, count: int) -> tuple[tuple[int, ...], ...]:
    words = np.frombuffer(data, np.uint32)
    return tuple(tuple(int(w) for w in row) for row in words.reshape(count, -1))


def _plan(values: dict[str, Any]) -> LayerPlan:
    return LayerPlan(
        name=values["name"],
        region=Region(**values["region"]),
        instructions=tuple(values["instructions"]),
        shape=tuple(values["shape"]),
        order=None if values["order"] is None else tuple(values["order"]),
        lines=None if values["lines"] is None else tuple(map(tuple, values["lines"])),
    )
