"""Which signals of the accelerator tell the story of a tile, from the host to the written codes."""

from collections.abc import Sequence

from bitwright.report.trace import Trace
from bitwright.report.waveform import (
    AnyRow,
    Clock,
    Heading,
    Mark,
    Picture,
    Row,
    hexadecimal,
    signed,
    unsigned,
)


def byte(value: int, _: int) -> str:
    """The lowest byte, signed: of a word of codes the first channel's."""
    return signed(value & 0xFF, 8)


def one_hot(value: int, _: int) -> str:
    """The place of the bit that is set: of a row's complete sums the column."""
    return str(value.bit_length() - 1)


def tile_rows(row: int) -> tuple[AnyRow, ...]:
    """The signals around a tile; of the array those of one row's first element."""
    pair = f"pair_{row}_0"
    complete = f"array.complete_{row}"
    return (
        Clock(),
        Heading("streams"),
        Row("inputs.tvalid", "inputs_tvalid", tone="muted"),
        Row("inputs.tready", "inputs_tready", tone="muted"),
        Row("outputs.tvalid", "outputs_tvalid", tone="muted"),
        Heading("sequencer"),
        Row("issue", "trace_issue", tone="purple"),
        Row("done", "trace_done", tone="purple"),
        Row("instruction", "trace_pc", unsigned, tone="purple"),
        Heading("walker: requests"),
        Row("valid", "walker.valid"),
        Row("slot", "walker.slot", unsigned, when="walker.row_valid"),
        Row("address", "walker.address", signed, when="walker.row_valid"),
        Row("last word", "walker.last_word"),
        Heading(f"array: row {row}, column 0"),
        Row(
            "word read",
            "serializers.word",
            hexadecimal,
            when=f"serializers.load_{row}",
            tone="orange",
        ),
        Row("activation", f"{pair}.activation", signed, tone="orange"),
        Row("weight", f"{pair}.weight_0", signed, tone="orange"),
        Row("begin", f"{pair}.first_0", tone="orange"),
        Row("sum", f"{pair}.acc_0", signed, tone="orange"),
        Row("complete", complete, one_hot, when=complete, tone="orange"),
        Heading("results into the banks"),
        Row("write", "trace_write", tone="green"),
        Row("bank", "trace_bank", unsigned, when="trace_write", tone="green"),
        Row("to address", "trace_address", unsigned, when="trace_write", tone="green"),
        Row("first channel", "trace_word", byte, when="trace_write", tone="green"),
        Row("word", "trace_word", hexadecimal, when="trace_write", tone="green"),
    )


def signal_names(rows: Sequence[AnyRow]) -> list[str]:
    """The signals that rows need."""
    wanted = [row for row in rows if isinstance(row, Row)]
    return [name for row in wanted for name in (row.signal, row.when) if name is not None]


def tile_picture(trace: Trace, rows: Sequence[AnyRow], issue: int, moment: int | None) -> Picture:
    """Rows of a trace; cycle 0 is the instruction's issue, ``moment`` that of a wrong output."""
    marks = [Mark(issue, "issue")]
    if moment is not None:
        marks.append(Mark(moment, "about here the wrong output is written"))
    else:
        complete = next(name for name in trace.signals if ".complete_" in name)
        for name, text in (
            ("walker.valid", "first request"),
            (complete, "sum complete"),
            ("trace_write", "first codes written"),
        ):
            later = [cycle for cycle in trace.high(name) if cycle > marks[-1].cycle]
            if later and issue >= trace.first:
                marks.append(Mark(later[0], text))
    return Picture(
        trace=trace,
        rows=rows,
        origin=issue,
        marks=[mark for mark in marks if trace.first <= mark.cycle <= trace.last],
        title="Signals of the accelerator, cycle by cycle",
    )
