"""One description of an accelerator, from which compiler, RTL and reports are derived."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

ROUNDINGS = ("half_up", "half_even", "half_away", "floor", "trunc")
"""Requantisation roundings the post-processing lanes can be built with."""
PE_MULTIPLIERS = ("twin", "dsp", "lut")
LANE_MULTIPLIERS = ("dsp", "lut")


class ArchitectureError(ValueError):
    """A description that cannot be built; the message names the key and what is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """An R x C output-stationary array with its buffers.

    The recommended design is the default: 8x8, int8, on-chip buffers of a mid-size ECP5.
    """

    name: str = "8x8"
    rows: int = 8
    """Output pixels computed at once; a power of two, 2 to 32."""
    columns: int = 8
    """Output channels computed at once; a power of two, 2 to 32."""
    accumulator_bits: int = 32
    """Width of a PE's accumulator, 16 to 32."""
    multiplier_bits: int = 31
    """Width of a requantisation multiplier, 8 to 31."""
    residual_bits: int = 31
    """Width of a residual multiplier, 8 to 31; 0 leaves the residual adder out."""
    roundings: tuple[str, ...] = ("half_up",)
    """Roundings the lanes implement."""
    activation_words: int = 4096
    """Words of `lanes` bytes in each of the two activation banks; a power of two."""
    weight_words: int = 8192
    """Words of `lanes` bytes in the weight buffer; a power of two."""
    parameter_records: int = 1024
    """Per-channel records of bias, multiplier and shift; a power of two."""
    line_words: int = 0
    """Words in a line of the largest image the depthwise engine takes; 0 leaves the engine out."""
    huffman: bool = False
    """Whether the fetch engine takes weights under a Huffman code; the compiler then codes them."""
    xnor: bool = False
    """Whether the engine for binary layers is built; it needs rows == columns, 8 or more."""
    execute_instructions: int = 128
    """Instructions of the execute thread; a power of two."""
    fetch_instructions: int = 128
    """Instructions of the fetch thread; a power of two."""
    pe_multiplier: str = "twin"
    """Products of the array: `twin` two and `dsp` one to a multiplier block, `lut` of adders."""
    pe_dsps: int = 512
    """Multiplier blocks the array takes at most; further products are made of adders."""
    lane_multiplier: str = "dsp"
    """The lanes' wide products: `dsp`, of multiplier blocks, or `lut`, of adders."""

    def __post_init__(self) -> None:
        """Check every field and the relations between them."""
        for key, low, high in (
            ("rows", 2, 32),
            ("columns", 2, 32),
            ("activation_words", 64, 1 << 20),
            ("weight_words", 64, 1 << 20),
            ("parameter_records", 16, 1 << 16),
            ("execute_instructions", 16, 1 << 12),
            ("fetch_instructions", 16, 1 << 12),
        ):
            value = getattr(self, key)
            if not _is_integer(value) or not low <= value <= high or value & (value - 1):
                raise ArchitectureError(
                    f"{key} must be a power of two in {low}..{high}, got {value!r}"
                )
        if not _is_integer(self.line_words) or not (
            self.line_words == 0 or 16 <= self.line_words <= 1024
        ):
            raise ArchitectureError(f"line_words must be 0 or in 16..1024, got {self.line_words!r}")
        if not isinstance(self.huffman, bool):
            raise ArchitectureError(f"huffman must be true or false, got {self.huffman!r}")
        for key, low, high in (("accumulator_bits", 16, 32), ("multiplier_bits", 8, 31)):
            value = getattr(self, key)
            if not _is_integer(value) or not low <= value <= high:
                raise ArchitectureError(f"{key} must be in {low}..{high}, got {value!r}")
        if not _is_integer(self.residual_bits) or not (
            self.residual_bits == 0 or 8 <= self.residual_bits <= 31
        ):
            raise ArchitectureError(
                f"residual_bits must be 0 or in 8..31, got {self.residual_bits!r}"
            )
        if self.lanes < 4:
            raise ArchitectureError(
                f"the larger of rows and columns must be at least 4, got {self.rows}x{self.columns}"
            )
        for rounding in self.roundings:
            if rounding not in ROUNDINGS:
                raise ArchitectureError(
                    f"roundings: {rounding!r} is not one of {', '.join(ROUNDINGS)}"
                )
        if not isinstance(self.xnor, bool):
            raise ArchitectureError(f"xnor must be true or false, got {self.xnor!r}")
        if self.xnor and (self.rows != self.columns or self.rows % 8):
            raise ArchitectureError(
                "xnor = true needs rows == columns, a multiple of 8, got"
                f" {self.rows}x{self.columns}"
            )
        if not self.roundings:
            raise ArchitectureError(f"roundings needs at least one of {', '.join(ROUNDINGS)}")
        for key, known in (
            ("pe_multiplier", PE_MULTIPLIERS),
            ("lane_multiplier", LANE_MULTIPLIERS),
        ):
            if getattr(self, key) not in known:
                raise ArchitectureError(
                    f"{key} must be one of {', '.join(known)}, got {getattr(self, key)!r}"
                )
        if not _is_integer(self.pe_dsps) or not 0 <= self.pe_dsps <= 1024:
            raise ArchitectureError(f"pe_dsps must be in 0..1024, got {self.pe_dsps!r}")

    @property
    def lanes(self) -> int:
        """Bytes of a memory word, elements of a K-word, and post-processing lanes."""
        return max(self.rows, self.columns)

    @property
    def bank_bytes(self) -> int:
        """Bytes of one activation bank."""
        return self.activation_words * self.lanes

    @property
    def record_beats(self) -> int:
        """Stream beats that make one 16-byte parameter record."""
        return max(1, 16 // self.lanes)

    @property
    def hash(self) -> int:
        """64 bits that identify what the hardware is; the name does not count."""
        described = {key: value for key, value in asdict(self).items() if key != "name"}
        text = json.dumps(described, sort_keys=True).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")

    def to_json(self) -> str:
        """All fields, as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """The inverse of `to_json`."""
        return cls.from_mapping(json.loads(text), "program")

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str) -> "Architecture":
        """Build from a table; an unknown key is an error that lists the known ones."""
        known = {field.name for field in fields(cls)}
        for key in values:
            if key not in known:
                raise ArchitectureError(
                    f"{source}: unknown key {key!r}; known are {', '.join(sorted(known))}"
                )
        values = dict(values)
        if "roundings" in values:
            if not isinstance(values["roundings"], list | tuple):
                raise ArchitectureError(f"{source}: roundings must be a list of names")
            values["roundings"] = tuple(values["roundings"])
        try:
            return cls(**values)
        except ArchitectureError as error:
            raise ArchitectureError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: Path | str) -> "Architecture":
        """Read a TOML file; errors name the file and the key."""
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            raise ArchitectureError(f"{path}: not valid TOML: {error}") from None
        values.setdefault("name", path.stem)
        return cls.from_mapping(values, str(path))


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
