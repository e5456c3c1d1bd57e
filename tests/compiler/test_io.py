"""A program's file comes back as it was, and any other file is refused by what is wrong with it."""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.binary_networks import stacked_network
from tests.support.networks import random_network

from bitwright.compiler import Program, ProgramError, compile
from bitwright.isa import Architecture, ArchitectureError
from bitwright.isa.architecture import ROUNDINGS
from bitwright.isa.registers import VERSION
from bitwright.network import NetworkFileError

FIXED = struct.Struct("<4sIQI")
ARCHITECTURE = Architecture(roundings=ROUNDINGS, xnor=True)


@pytest.fixture(scope="module")
def data() -> bytes:
    return compile(random_network(1), ARCHITECTURE).to_bytes()


@pytest.mark.parametrize("batch", [1, 3])
def test_a_program_comes_back(batch: int) -> None:
    for network in (random_network(1), stacked_network((70,), [64, 10], bits=True)):
        program = compile(network, ARCHITECTURE, batch)
        data = program.to_bytes()
        again = Program.from_bytes(data)
        assert again.to_bytes() == data
        for name in ("architecture", "execute", "fetch", "prologue_count", "credits", "layers"):
            assert getattr(again, name) == getattr(program, name)
        assert (again.prologue == program.prologue).all()
        assert (again.body == program.body).all()
        assert again.batch == batch


def header(data: bytes, **changed: int) -> bytes:
    names = ("magic", "version", "digest", "crc")
    values = dict(zip(names, FIXED.unpack_from(data), strict=True))
    return FIXED.pack(*(values | changed).values()) + data[FIXED.size :]


@pytest.mark.parametrize("length", [0, 3, 4, 19, 23])
def test_what_begins_otherwise_or_is_shorter_is_no_program(data: bytes, length: int) -> None:
    for other in (data[:length], b"PK\x03\x04" + data[4:]):
        with pytest.raises(ProgramError, match=r"^x: not a bitwright program \(\.bwp\)$"):
            Program.from_bytes(other, "x")


def test_another_version_is_named_beside_ours(data: bytes) -> None:
    message = f"^x: program version {VERSION + 1}; this bitwright reads {VERSION}$"
    with pytest.raises(ProgramError, match=message):
        Program.from_bytes(header(data, version=VERSION + 1), "x")


def test_any_damaged_byte_is_found(data: bytes) -> None:
    for place in (FIXED.size, len(data) // 2, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(ProgramError, match=r"^x: damaged: the CRC does not match its content$"):
            Program.from_bytes(bytes(damaged), "x")


def test_a_header_of_another_architecture_is_refused(data: bytes) -> None:
    with pytest.raises(ProgramError, match=r"^x: the architecture does not have the header's hash"):
        Program.from_bytes(header(data, digest=replace(ARCHITECTURE, pe_dsps=1).hash), "x")


def rewritten(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with another head, and a CRC that fits it."""
    content = data[FIXED.size :]
    end = 4 + int.from_bytes(content[:4], "little")
    head = json.loads(content[4:end])
    change(head)
    text = json.dumps(head).encode()
    content = struct.pack("<I", len(text)) + text + content[end:]
    return header(FIXED.pack(*FIXED.unpack_from(data)) + content, crc=zlib.crc32(content))


@pytest.mark.parametrize(
    "key",
    [
        *("architecture", "prologue_count", "credits", "batch", "execute_count", "fetch_count"),
        *("sections", "layers"),
    ],
)
def test_a_missing_key_is_named(data: bytes, key: str) -> None:
    with pytest.raises(ProgramError, match=rf"^x: malformed: KeyError\('{key}'\)$"):
        Program.from_bytes(rewritten(data, lambda head: head.pop(key)), "x")


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.update(sections=head["sections"][:-1]),
        lambda head: head.update(execute_count=7919),
        lambda head: head.update(architecture=8),
        lambda head: head.update(layers=5),
        lambda head: head["layers"][0].update(region=None),
        lambda head: head["layers"][0]["region"].update(color=3),
    ],
)
def test_a_malformed_head_is_refused(data: bytes, change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(ProgramError, match=r"^x: malformed: "):
        Program.from_bytes(rewritten(data, change), "x")


def test_what_a_program_holds_is_refused_in_its_own_words(data: bytes) -> None:
    with pytest.raises(ArchitectureError, match=r"^x: rows must be a power of two"):
        Program.from_bytes(rewritten(data, lambda head: head["architecture"].update(rows=3)), "x")
    with pytest.raises(NetworkFileError, match=r"^x: not a \.bw file"):
        Program.from_bytes(rewritten(data, lambda head: head["sections"].__setitem__(4, 0)), "x")
