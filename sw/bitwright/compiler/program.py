"""The program: what the hardware runs, and what it takes to feed and to check it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bitwright.compiler import io
from bitwright.compiler.plan import LayerPlan, restored, stored
from bitwright.compiler.work import Fields, fetch_beats
from bitwright.files import write_whole
from bitwright.isa import Architecture
from bitwright.isa.instructions import EXECUTE_FIELDS, FETCH_FIELDS, decode
from bitwright.isa.registers import MAGIC, VERSION
from bitwright.network import Network


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

    def decoded(self) -> list[Fields]:
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
        flat = stored(codes.astype(np.int8), plan, self.network.input.output.zero_point)
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
        return restored(data, plan, self.batch)

    @property
    def output_beats(self) -> int:
        """Beats of one output packet, of a batch."""
        return -(-self.output_plan.region.extent // self.architecture.lanes)

    def to_bytes(self) -> bytes:
        """The content of a ``.bwp`` file; equal programs give equal bytes."""
        return io.to_bytes(self)

    def save(self, path: str | Path) -> None:
        """Write a ``.bwp`` file, whole or not at all."""
        write_whole(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "Program":
        """Read a ``.bwp`` file; `ProgramError` names the file and what is wrong with it."""
        return cls.from_bytes(Path(path).read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "program bytes") -> "Program":
        """The program in the content of a ``.bwp`` file; errors call it ``source``."""
        return cls(**io.from_bytes(data, source))
