"""Draw the pictures of docs/formats.md and fill in its tables, from the code.

A picture shows one code bit by bit, the one that a worked example encodes to. A table of the page
stands between the comments `<!-- table: NAME -->` and `<!-- end -->`.

    python -m tools.draw_formats             # writes docs/images/format-*.svg and docs/formats.md
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import tables

from bitwright.arith import Nvfp4, describe, parse
from bitwright.arith.facts import PRESETS, fields, pattern
from bitwright.files import write_whole
from bitwright.report.bitfields import Layout, Shared, Word, bitfields

DOCS = Path(__file__).parent.parent / "docs"
FIELD = ("fix8.7", "e4m3", "dmf_e4m3", "bfp8_b16", "bfp6_b16", "bfp4_b16", "bm_e4m3_b16", "bl8_b16")
"""The number-format table of the field, as presets."""
BYTE = Shared("X + 127")
SCALE = Shared("scale", stored=False)
MX = (0.8, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a format's picture shows: the code of the first of some numbers."""

    numbers: tuple[float, ...]
    meaning: str
    """The value worked out: a product, and what it is."""
    formula: str = ""
    shared: tuple[Shared, ...] = ()
    note: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    point: int | None = None
    extent: str = "all elements of a tensor or channel"


EXAMPLES: Mapping[str, Example] = {
    "int8": Example(
        numbers=(-1.5, 3.175),
        options=(("scale", 0.025),),
        formula="s (q - z)",
        meaning="0.025 (-60-0) = -1.5",
        shared=(Shared("s", stored=False), Shared("z", stored=False)),
        note="s, z: per tensor or per channel, kept beside the data",
    ),
    "fix8.7": Example(numbers=(0.7,), formula="q 2^-7", meaning="90/128 = 0.703125", point=7),
    "e4m3": Example(
        numbers=(5.3,),
        formula="(-1)^s 1.m 2^(e-7), 0.m 2^-6 where e = 0",
        meaning="1.375 2^(9-7) = 5.5",
    ),
    "fp8_e4m3": Example(
        numbers=(448.0,),
        formula="(-1)^s 1.m 2^(e-bias)",
        note="NaN: s 1111 111 of e4m3, s 11111 mm (m not 0) of e5m2; infinity: s 11111 00 of e5m2",
        meaning="1.75 2^(15-7) = 448, the greatest",
    ),
    "fp8_e5m2": Example(numbers=(57344.0,), meaning="1.75 2^(30-15) = 57344, the greatest"),
    "dmf_e4m3": Example(numbers=(1.0,), formula="(-1)^s 0.m 2^(e-7)", meaning="4/8 2^(8-7) = 1"),
    "bfp8_b16": Example(
        numbers=(0.8, 3.0),
        formula="(-1)^s m 2^(X-6)",
        meaning="26 2^(1-6) = 0.8125",
        shared=(BYTE,),
        note="X: exponent of the block's greatest magnitude, here 3 = 1.5 2^1",
    ),
    "bm_e4m3_b16": Example(
        numbers=(0.8, 24.0),
        formula="(-1)^s 1.m 2^(e-B), B = 15 - X",
        meaning="1.625 2^(10-11) = 0.8125",
        shared=(BYTE,),
        note="X: exponent of the block's greatest magnitude, here 24 = 1.5 2^4",
    ),
    "bl8_b16": Example(
        numbers=(0.8, 3.5),
        formula="(-1)^s 2^(e-B), B = 127 - X; e = 0 is zero",
        meaning="2^(125-125) = 1",
        shared=(BYTE,),
        note="2^X: the power of two nearest to the block's greatest magnitude, here 4",
    ),
    "pow4": Example(
        numbers=(0.3, 3.5),
        formula="(-1)^s 2^(e-B), B = 7 - X; e = 0 is zero",
        meaning="2^(3-5) = 0.25",
        shared=(Shared("X", stored=False),),
        note="2^X: the top code's value, per tensor or per channel, here 4",
    ),
    "mxfp8_e5m2": Example(
        numbers=MX,
        formula="element 2^X",
        meaning="1.5 2^(27-15) 2^-13 = 0.75",
        shared=(BYTE,),
        note="X: exponent of the block's greatest magnitude, here 5 = 1.25 2^2, less emax",
    ),
    "mxfp8_e4m3": Example(numbers=MX, meaning="1.625 2^(12-7) 2^-6 = 0.8125"),
    "mxfp6_e3m2": Example(numbers=MX, meaning="1.5 2^(4-3) 2^-2 = 0.75"),
    "mxfp6_e2m3": Example(numbers=MX, meaning="0.75 2^0 2^0 = 0.75"),
    "mxfp4_e2m1": Example(numbers=MX, meaning="1 2^(1-1) 2^0 = 1"),
    "mxint8": Example(numbers=MX, meaning="13/64 2^2 = 0.8125"),
    "nvfp4": Example(
        numbers=(700.0, 2688.0),
        formula="(-1)^s 1.m 2^(e-1) S t, S an fp8_e4m3, t a float32",
        meaning="1.5 2^0 448 1 = 672",
        shared=(Shared("t"), Shared("S")),
        note="S: scale of the block; t: scale of the tensor, once",
    ),
    "binary": Example(numbers=(-0.8,), formula="1 is +1, 0 is -1", meaning="-1", shared=(SCALE,)),
    "ternary": Example(
        numbers=(-3.0, 0.5, 1.5, 0.0),
        formula="-1, 0 or +1",
        meaning="-1",
        shared=(SCALE,),
        note="zero where |x| is at most 0.7 times the mean magnitude",
    ),
    "codebook16_fix8.3": Example(
        numbers=(0.45,),
        options=(("centroids", tuple(n / 8 for n in range(-8, 8))),),
        formula="centroid i",
        meaning="(12-8)/8 = 0.5",
        shared=(Shared("16 centroids"),),
        extent="all elements of a tensor",
        note="here the centroids are the eighths -1, -7/8, ..., 7/8: centroid 12 is 4/8",
    ),
}

PICTURES: Mapping[str, tuple[str, ...]] = {
    "int8": ("int8",),
    "fix8.7": ("fix8.7",),
    "e4m3": ("e4m3",),
    "fp8": ("fp8_e4m3", "fp8_e5m2"),
    "dmf_e4m3": ("dmf_e4m3",),
    "bfp8_b16": ("bfp8_b16",),
    "bm_e4m3_b16": ("bm_e4m3_b16",),
    "bl8_b16": ("bl8_b16",),
    "pow4": ("pow4",),
    "mx": ("mxfp8_e5m2", "mxfp8_e4m3", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4_e2m1", "mxint8"),
    "nvfp4": ("nvfp4",),
    "binary": ("binary",),
    "ternary": ("ternary",),
    "codebook16": ("codebook16_fix8.3",),
}
"""Each picture with the formats it shows."""
HEADINGS = {"fp8": "OCP FP8", "mx": "OCP MX"}
"""Of pictures with several."""


def word(name: str, label: str = "") -> Word:
    """The example's code."""
    example, fmt = EXAMPLES[name], parse(name)
    encoded = fmt.encode(list(example.numbers), **dict(example.options))
    code = int(encoded.codes[0])
    return Word(fields(fmt), pattern(fmt, code), example.meaning, label, example.point)


def picture(title: str) -> str:
    """One picture."""
    names = PICTURES[title]
    example, fmt = EXAMPLES[names[0]], parse(names[0])
    alone = len(names) == 1
    block = 16 if isinstance(fmt, Nvfp4) else getattr(fmt, "block", None)
    return bitfields(
        Layout(
            title=names[0] if alone else HEADINGS[title],
            formula=example.formula,
            words=[word(name, "" if alone else name) for name in names],
            shared=example.shared,
            block=block or 8,
            extent=f"{block} elements" if block else example.extent,
            note=example.note,
        )
    )


def presets() -> str:
    """Every family with its presets."""
    lines = ["| format | bits | per element | max | smallest step | dynamic range |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    for family, names in PRESETS.items():
        lines.append(f"| **{_cell(family.family)}** | | | | | |")
        lines += [_row(name) for name in names]
    return "\n".join(lines)


def field() -> str:
    """The presets that are the field's table."""
    titles = ("Fixed", "MiniFloat", "DMF", "BFP, W8", "BFP, W6", "BFP, W4", "BM", "BL")
    lines = ["| | format | bits | per element | max | smallest step | dynamic range |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    lines += [f"| {title} {_row(name)}" for title, name in zip(titles, FIELD, strict=True)]
    return "\n".join(lines)


def mx() -> str:
    """The elements of the MX formats."""
    lines = ["| format | element | emax | greatest | smallest step | per element |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |")
    for name in PICTURES["mx"]:
        facts = describe(parse(name))
        emax = int(facts.max).bit_length() - 1
        element = name.removeprefix("mx")
        lines.append(
            f"| `{name}` | {element} | {emax} | {facts.max:g} | {_power(facts.min_step)} |"
            f" {facts.bits_per_element:g} |"
        )
    return "\n".join(lines)


def _row(name: str) -> str:
    facts = describe(parse(name))
    return (
        f"| `{name}` | {facts.bits} | {facts.bits_per_element:g} | {facts.max:.6g} |"
        f" {_power(facts.min_step)} | {facts.dynamic_range_db:.1f} dB |"
    )


def _power(step: float) -> str:
    mantissa, exponent = step.hex().split("p")
    assert float.fromhex(mantissa) == 1
    return f"{step:g}" if step >= 1 else f"2^{int(exponent)}"


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


TABLES: Mapping[str, Callable[[], str]] = {"presets": presets, "field": field, "mx": mx}


def filled(page: str) -> str:
    """The page with its tables as the code gives them."""
    return tables.filled(page, {name: table().splitlines() for name, table in TABLES.items()})


def draw(folder: Path) -> list[Path]:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for title in PICTURES:
        paths.append(folder / f"format-{title.replace('.', '_')}.svg")
        write_whole(paths[-1], picture(title))
    return paths


def main() -> None:
    """Write the pictures and the page's tables, and print their paths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder (default: docs)")
    docs = parser.parse_args().docs
    for path in draw(docs / "images"):
        print(path)
    page = docs / "formats.md"
    write_whole(page, filled(page.read_text()))
    print(page)


if __name__ == "__main__":
    main()
