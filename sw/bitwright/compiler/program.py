"""The program: what the hardware runs, and what it takes to feed and to check it."""

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.files import write_whole
from bitwright.isa import Architecture
from bitwright.isa.instructions import EXECUTE_FIELDS, FETCH_FIELDS, FetchOpcode, decode
from bitwright.isa.registers import MAGIC, VERSION
from bitwright.network import Network

FILE_MAGIC = b"BWP\x01"
_FIXED = struct.Struct("<4sIQI")  # magic, version, architecture hash, CRC of what follows


class ProgramError(ValueError):
    """A file that is not a program, or a damaged one."""


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """A compiled network: the same in numpy, under Verilator, under cocotb, on a board."""

    architecture: Architecture
    network: Network
    execute: tuple[tuple[int, ...], ...]
    """Instructions of the execute thread, as 32-bit words."""
    fetch: tuple[tuple[int, ...], ...]
    prologue_count: int
    """Fetch instructions that run once, when the program is loaded."""
    credits: int
    """Tokens the fetch thread starts with."""
    prologue: NDArray[np.uint8]
    """(beats, lanes): the data of the prologue's fetch instructions."""
    body: NDArray[np.uint8]
    """(beats, lanes): the data of the other fetch instructions, needed once per image."""
    layers: tuple[LayerPlan, ...]
    """One per layer, inputs and views included, in the network's order."""
    batch: int = 1
    """Images that go through the machine together: in one packet, in every instruction."""

    @property
    def header(self) -> tuple[int, ...]:
        """The words the hardware checks before it takes the program."""
        digest = self.architecture.hash
        return (
            MAGIC,
            VERSION,
            digest & 0xFFFF_FFFF,
            digest >> 32,
            len(self.execute),
            len(self.fetch),
            self.prologue_count,
            self.credits,
        )

    @property
    def words(self) -> NDArray[np.uint32]:
        """Header and instructions, as the loader takes them: one word per beat, one packet."""
        flat = [*self.header]
        for instruction in (*self.execute, *self.fetch):
            flat.extend(instruction)
        return np.array(flat, np.uint32)

    def packets(self, body: bool) -> list[int]:
        """Beats of each fetch instruction's packet, of the prologue or of the body."""
        chosen = self.fetch[self.prologue_count :] if body else self.fetch[: self.prologue_count]
        lengths = []
        for words in chosen:
            lengths.append(fetch_beats(decode(FETCH_FIELDS, list(words)), self.architecture))
        return lengths

    def decoded(self) -> list[dict[str, int]]:
        """The execute instructions' fields."""
        return [decode(EXECUTE_FIELDS, list(words)) for words in self.execute]

    @property
    def input_plan(self) -> LayerPlan:
        """Of the network's input."""
        return next(p for p in self.layers if p.name == self.network.input.name)

    @property
    def output_plan(self) -> LayerPlan:
        """Of the network's output."""
        return next(p for p in self.layers if p.name == self.network.output.name)

    def pack_images(self, x: ArrayLike) -> NDArray[np.uint8]:
        """Codes (N, *input shape) as (packets, beats, lanes) of the input stream.

        A packet holds the images of a batch; the last one is filled up with padding.
        """
        codes = np.asarray(x)
        expected = self.network.input.shape
        if codes.shape[1:] != expected:
            raise ValueError(
                f"inputs must be (N, {', '.join(map(str, expected))}), got {codes.shape}"
            )
        low, high = self.network.input.output.low, self.network.input.output.high
        if codes.size and not (codes.min() >= low and codes.max() <= high):
            raise ValueError(f"input codes must be in {low}..{high}")
        plan, lanes = self.input_plan, self.architecture.lanes
        flat = _stored(codes.astype(np.int8), plan, self.network.input.output.zero_point)
        size, packets = flat.shape[1], self.packets_of(len(codes))
        filled = np.full(
            (packets * self.batch, size), self.network.input.output.zero_point, np.int8
        )
        filled[: len(codes)] = flat
        beats = -(-self.batch * size // lanes)
        packed = np.zeros((packets, beats * lanes), np.uint8)
        packed[:, : self.batch * size] = filled.reshape(packets, -1).view(np.uint8)
        return packed.reshape(packets, beats, lanes)

    def packets_of(self, images: int) -> int:
        """Batches, and so packets, that hold that many images."""
        return -(-images // self.batch)

    def unpack_region(self, plan: LayerPlan, data: NDArray[np.uint8]) -> NDArray[np.int8]:
        """(packets, >= extent) bytes from the region's base as codes (N, *shape)."""
        region = plan.region
        index = np.arange(region.pixels)[:, None] * region.pitch + np.arange(region.pixel_bytes)
        pixels = data.view(np.int8)[:, index]  # (packets, pixels, bytes)
        if region.bits == 1:
            bits = np.unpackbits(pixels.view(np.uint8), axis=2, bitorder="little")
            pixels = bits[:, :, : region.channels].view(np.int8)
        pixels = pixels.reshape(
            len(data) * self.batch, region.pixels // self.batch, region.channels
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

    @property
    def output_beats(self) -> int:
        """Beats of one output packet, of a batch."""
        return -(-self.output_plan.region.extent // self.architecture.lanes)

    def to_bytes(self) -> bytes:
        """The file: header with magic, version, hash and CRC; JSON; instructions; data; network."""
        network = self.network.to_bytes()
        execute = np.array(self.execute, np.uint32).tobytes()
        fetch = np.array(self.fetch, np.uint32).tobytes()
        sections = [execute, fetch, self.prologue.tobytes(), self.body.tobytes(), network]
        head = json.dumps(
            {
                "architecture": json.loads(self.architecture.to_json()),
                "prologue_count": self.prologue_count,
                "credits": self.credits,
                "batch": self.batch,
                "execute_count": len(self.execute),
                "fetch_count": len(self.fetch),
                "sections": [len(s) for s in sections],
                "layers": [asdict(plan) for plan in self.layers],
            }
        ).encode()
        content = struct.pack("<I", len(head)) + head + b"".join(sections)
        fixed = _FIXED.pack(FILE_MAGIC, VERSION, self.architecture.hash, zlib.crc32(content))
        return fixed + content

    def save(self, path: str | Path) -> None:
        """Write a ``.bwp`` file, whole or not at all."""
        write_whole(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "Program":
        """Read a ``.bwp`` file; a damaged one is refused by its CRC."""
        return cls.from_bytes(Path(path).read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "program bytes") -> "Program":
        """The inverse of `to_bytes`."""
        if len(data) < _FIXED.size + 4 or data[:4] != FILE_MAGIC:
            raise ProgramError(f"{source}: not a bitwright program (.bwp)")
        _, version, digest, crc = _FIXED.unpack_from(data)
        if version != VERSION:
            raise ProgramError(
                f"{source}: program version {version}; this bitwright reads {VERSION}"
            )
        content = data[_FIXED.size :]
        if zlib.crc32(content) != crc:
            raise ProgramError(f"{source}: damaged: the CRC does not match its content")
        (length,) = struct.unpack_from("<I", content)
        head = json.loads(content[4 : 4 + length])
        architecture = Architecture.from_mapping(head["architecture"], source)
        if architecture.hash != digest:
            raise ProgramError(f"{source}: the architecture does not have the header's hash")
        parts, start = [], 4 + length
        for size in head["sections"]:
            parts.append(content[start : start + size])
            start += size
        execute, fetch = (np.frombuffer(part, np.uint32) for part in parts[:2])
        prologue, body = (
            np.frombuffer(part, np.uint8).reshape(-1, architecture.lanes) for part in parts[2:4]
        )
        return cls(
            architecture=architecture,
            network=Network.from_bytes(parts[4], source),
            execute=_instructions(execute, head["execute_count"]),
            fetch=_instructions(fetch, head["fetch_count"]),
            prologue_count=head["prologue_count"],
            credits=head["credits"],
            prologue=prologue,
            body=body,
            layers=tuple(_plan(values) for values in head["layers"]),
            batch=head["batch"],
        )


def fetch_beats(fields: dict[str, int], architecture: Architecture) -> int:
    """Beats of a fetch instruction's packet."""
    if fields["opcode"] == FetchOpcode.CODED:
        return fields["beats"]
    records = fields["opcode"] == FetchOpcode.PARAMETERS
    return fields["count"] * (architecture.record_beats if records else 1)


def _instructions(words: NDArray[np.uint32], count: int) -> tuple[tuple[int, ...], ...]:
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


def _stored(codes: NDArray[np.int8], plan: LayerPlan, pad: int) -> NDArray[np.int8]:
    if plan.lines is not None:
        padding = np.full_like(codes[:, :, :1], pad)
        lines = np.concatenate([codes, padding], axis=2)[:, :, np.array(plan.lines)]
        # (N, C, line, ky, W) to (N, line, W, ky, C)
        return np.ascontiguousarray(lines.transpose(0, 2, 4, 3, 1)).reshape(len(codes), -1)
    stored = codes.transpose(0, 2, 3, 1) if codes.ndim == 4 else codes
    if plan.region.bits == 1:
        stored = np.packbits(stored.astype(np.uint8), axis=-1, bitorder="little").view(np.int8)
    return np.ascontiguousarray(stored).reshape(len(codes), -1)


def _unstacked(pixels: NDArray[np.int8], plan: LayerPlan) -> NDArray[np.int8]:
    """(N, pixels, ky C) of a stacked input as codes (N, C, H, W)."""
    channels, height, width = plan.shape
    lines = np.array(plan.lines)
    stored = pixels.reshape(len(pixels), len(lines), width, lines.shape[1], channels)
    codes = np.empty((len(pixels), channels, height, width), np.int8)
    for y in range(height):
        line, place = np.argwhere(lines == y)[0]
        codes[:, :, y] = stored[:, line, :, place].transpose(0, 2, 1)
    return codes
