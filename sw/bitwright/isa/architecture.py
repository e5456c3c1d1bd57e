"""One description of an accelerator, from which compiler, RTL and reports are derived."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bitwright.isa.rules import Integer, OneOf, Rule, Some, Text, Truth

ROUNDINGS = ("half_up", "half_even", "half_away", "floor", "trunc")
"""Requantisation roundings the post-processing lanes can be built with."""
PE_MULTIPLIERS = ("twin", "dsp", "lut")
LANE_MULTIPLIERS = ("dsp", "lut")
_RULES: Mapping[str, Rule] = {
    "name": Text(),
    "rows": Integer(2, 32, power=True),
    "columns": Integer(2, 32, power=True),
    "accumulator_bits": Integer(16, 32),
    "multiplier_bits": Integer(8, 31),
    "residual_bits": Integer(8, 31, none=True),
    "roundings": Some(ROUNDINGS),
    "activation_words": Integer(64, 1 << 20, power=True),
    "weight_words": Integer(64, 1 << 20, power=True),
    "parameter_records": Integer(16, 1 << 16, power=True),
    "line_words": Integer(16, 1024, none=True),
    "huffman": Truth(),
    "xnor": Truth(),
    "execute_instructions": Integer(16, 1 << 12, power=True),
    "fetch_instructions": Integer(16, 1 << 12, power=True),
    "pe_multiplier": OneOf(PE_MULTIPLIERS),
    "pe_dsps": Integer(0, 1024),
    "lane_multiplier": OneOf(LANE_MULTIPLIERS),
}


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
        for key, rule in _RULES.items():
            value = getattr(self, key)
            if not rule.accepts(value):
                raise ArchitectureError(f"{key} must be {rule}, got {value!r}")
        size = f"{self.rows}x{self.columns}"
        if self.lanes < 4:
            raise ArchitectureError(
                f"the larger of rows and columns must be at least 4, got {size}"
            )
        if self.xnor and (self.rows != self.columns or self.rows % 8):
            raise ArchitectureError(
                f"xnor = true needs rows == columns, a multiple of 8, got {size}"
            )

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
            given = values["roundings"]
            values["roundings"] = tuple(given) if isinstance(given, list) else given
        try:
            return cls(**values)
        except ArchitectureError as error:
            raise ArchitectureError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: Path | str) -> "Architecture":
        """Read a TOML file; errors name the file and the key."""
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ArchitectureError(f"{path}: not valid TOML: {error}") from None
        values.setdefault("name", path.stem)
        return cls.from_mapping(values, str(path))
