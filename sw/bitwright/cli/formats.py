"""`bitwright formats`: the number formats in figures, one in full, several on an array."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from bitwright.arith import Format, Quality
    from bitwright.arith.facts import Code

TABLE_BITS = 8
"""Widest format whose code table is printed."""
_ROW = "{:14}{:>6}{:>13}{:>11}{:>12}{:>8}"


def formats(
    name: Annotated[
        str | None, typer.Argument(help="One format, with its code table up to 8 bits.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Formats to compare on --data.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Array of real numbers (.npy).")
    ] = None,
    axis: Annotated[
        int | None, typer.Option(help="Axis of the data along which blocks run (default: -1).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Picture (default: beside the data, -formats.svg)."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead: the same numbers.")
    ] = False,
) -> None:
    """List the number formats; or explain one; or compare several on an array.

    --compare prints each format's signal-to-quantization-noise ratio and its bits per element, and
    draws one against the other.
    """
    from bitwright.arith import parse

    if compare is None:
        options = {"--data": data, "--axis": axis, "-o": out}
        given = [option for option, value in options.items() if value is not None]
        if given:
            raise ValueError(f"{given[0]} is for --compare, which is not given")
        if name is None:
            _list(as_json)
        else:
            _explain(parse(name), as_json)
        return
    if name is not None:
        raise ValueError(f"either one format, {name}, or --compare")
    if data is None:
        raise ValueError("--compare needs the numbers: --data FILE.npy")
    wanted = [parse(part.strip()) for part in compare.split(",")]
    _compare(wanted, data, -1 if axis is None else axis, out, as_json)


def _list(as_json: bool) -> None:
    from bitwright.arith import describe, parse
    from bitwright.arith.facts import PRESETS

    families = {
        family.family: [describe(parse(name)) for name in names]
        for family, names in PRESETS.items()
    }
    if as_json:
        rows = [{"family": f} | asdict(facts) for f, group in families.items() for facts in group]
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(_ROW.format("format", "bits", "per element", "max", "step", "dB"), style="bold")
    for family, group in families.items():
        console.print(family, style="dim", markup=False)
        for facts in group:
            cells = (
                f"{facts.bits_per_element:g}",
                f"{facts.max:.6g}",
                f"{facts.min_step:.4g}",
                f"{facts.dynamic_range_db:.1f}",
            )
            console.print(_ROW.format(f"  {facts.name}", facts.bits, *cells), markup=False)
    console.print("per element: with the shared parts of a vector of 1024", style="dim")
    console.print(
        "max, step: with scale 1; dB: greatest to least magnitude, one scale", style="dim"
    )


def _explain(fmt: "Format[Any]", as_json: bool) -> None:
    from bitwright.arith import Codebook, describe
    from bitwright.arith.facts import code_table, fields

    facts = describe(fmt)
    parts = fields(fmt)
    listed = fmt.bits <= TABLE_BITS and not isinstance(fmt, Codebook)
    codes = list(code_table(fmt)) if listed else []
    if as_json:
        digits = -(-fmt.bits // 4)
        rows = [
            {
                "code": line.code,
                "hex": f"{line.code % (1 << fmt.bits):0{digits}x}",
                "binary": line.pattern.replace(" ", ""),
                "value": line.value if isfinite(line.value) else str(line.value),
            }
            for line in codes
        ]
        told = {"fields": {part.name: part.width for part in parts}, "codes": rows}
        typer.echo(json.dumps(asdict(facts) | told, indent=2))
        return
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print((type(fmt).__doc__ or "").partition("\n")[0], style="bold", markup=False)
    console.print(f"family         {type(fmt).family}", markup=False)
    console.print("code           " + ", ".join(f"{part.name} {part.width}" for part in parts))
    console.print(f"bits           {facts.bits}, {facts.bits_per_element:g} in a vector of 1024")
    console.print(f"range          {facts.min!r} to {facts.max!r} with scale 1")
    console.print(f"smallest step  {facts.min_step!r}")
    console.print(f"dynamic range  {facts.dynamic_range_db:.1f} dB")
    if listed:
        console.print()
        for line in _table_lines(codes, facts.bits, [part.name for part in parts]):
            console.print(line, markup=False)
    elif isinstance(fmt, Codebook):
        console.print("codes are indices; their values, the centroids, belong to the data")
    else:
        console.print(f"a code table is printed up to {TABLE_BITS} bits")


def _table_lines(codes: "Sequence[Code]", bits: int, names: Sequence[str]) -> Iterator[str]:
    """Lay out the code table: a row per pattern of the upper bits, the lowest ones across.

    Of formats with a sign bit the positive half. A row stays within one exponent if it can.
    """
    count = 1 << bits
    halved = names[0] == "sign" and len(names) > 1
    if halved:
        count //= 2
    cells, patterns = ["none"] * count, [""] * count
    for line in codes[:count]:
        place = line.code % (1 << bits)
        cells[place], patterns[place] = f"{line.value:.6g}", line.pattern
    mantissa = len(codes[0].pattern.rpartition(" ")[2]) if names[-1] == "mantissa" else 3
    low = min(2 if mantissa <= 2 else 3, count.bit_length() - 1)
    columns = 1 << low
    width = max(low + 3, *map(len, cells)) + 2
    digits = -(-bits // 4)
    margin = " " * (digits + len(patterns[0]) + 5)
    yield margin + "".join(f"+{n:x} {n:0{low}b}".rjust(width) for n in range(columns))
    for row in range(0, count, columns):
        head = f"0x{row:0{digits}x} {_dotted(patterns[row], low)}"
        yield f"{head}  " + "".join(cell.rjust(width) for cell in cells[row : row + columns])
    if halved:
        yield f"from 0x{count:0{digits}x} on, with the sign bit: the same values, negative"
    if any(f"{line.value:.6g}" != f"{line.value:.17g}" for line in codes):
        yield "values to 6 digits; --json has all"


def _dotted(pattern: str, count: int) -> str:
    """Give a pattern with dots for its lowest bits.

    >>> _dotted("0 0111 10", 3)
    '0 011. ..'
    """
    out = []
    for letter in reversed(pattern):
        out.append("." if letter != " " and count > 0 else letter)
        count -= letter != " "
    return "".join(reversed(out))


def _compare(
    wanted: "Sequence[Format[Any]]", data: Path, axis: int, out: Path | None, as_json: bool
) -> None:
    from bitwright.arith import compare
    from bitwright.files import read_npy, write_whole
    from bitwright.report.sqnr import sqnr_figure

    picture = data.with_name(f"{data.stem}-formats.svg") if out is None else out
    if picture.resolve() == data.resolve():
        raise ValueError(f"-o {picture} is the data; choose another file for the picture")
    x = read_npy(data)
    try:
        found = compare(wanted, x, axis)
    except ValueError as error:
        raise ValueError(f"{data}: {error}") from None
    size = " x ".join(map(str, x.shape)) or "one number"
    write_whole(picture, sqnr_figure(found, f"{data.name}, {size}: formats compared"))
    if as_json:
        rows = [asdict(q) | {"sqnr_db": q.sqnr_db if isfinite(q.sqnr_db) else None} for q in found]
        told = {"data": str(data), "shape": x.shape, "axis": axis, "picture": str(picture)}
        typer.echo(json.dumps(told | {"formats": rows}, indent=2))
        return
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{data}: {size}, {x.dtype}, blocks along axis {axis}", markup=False)
    console.print(_qualities(found))
    console.print(str(picture), markup=False)


def _qualities(found: "Sequence[Quality]") -> "Table":
    from rich.table import Table

    table = Table("format", "bits per element", "SQNR, dB", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for quality in found:
        ratio = f"{quality.sqnr_db:.2f}" if isfinite(quality.sqnr_db) else "exact"
        table.add_row(quality.name, f"{quality.bits_per_element:.4g}", ratio)
    return table
