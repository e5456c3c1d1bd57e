"""A waveform file gives each cycle's values as the edge at its end sees them."""

from pathlib import Path

import pytest

from bitwright.report.trace import Trace, TraceError, read_trace

# Two time units per cycle; `walker.valid` is an outer and an inner signal of the same end.
HEADER = """\
$timescale 1ps $end
$scope module TOP $end
 $var wire 1 ! clk $end
 $var wire 8 # data [7:0] $end
 $scope module walker $end
  $var wire 1 % valid $end
  $var wire 1 * $procmux$7_Y $end
 $upscope $end
 $scope module inner $end
  $scope module walker $end
   $var wire 1 & valid $end
  $upscope $end
 $upscope $end
$upscope $end
$enddefinitions $end
"""
CHANGES = """\
#20
0!
b101 #
0%
0&
0*
#21
b11111111 #
1!
1*
#22
0!
1%
#23
1!
#24
0!
#25
1!
0%
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "w.vcd"
    path.write_text(HEADER + CHANGES)
    return path


def test_value_is_the_one_before_the_edge(file: Path) -> None:
    trace = read_trace(file, ["data", "walker.valid"])
    assert (trace.first, trace.last) == (10, 12)
    assert trace.signals["data"].values == (5, 255, 255)
    assert trace.signals["data"].width == 8
    # What changes between two edges is seen by the second; what changes with one by the next.
    assert trace.signals["walker.valid"].values == (0, 1, 1)


def test_name_means_the_signal_nearest_to_the_top(file: Path) -> None:
    trace = read_trace(file, ["walker.valid", "inner.walker.valid"])
    assert trace.high("walker.valid") == [11, 12]
    assert trace.high("inner.walker.valid") == []


def test_cut_keeps_the_numbers_of_cycles(file: Path) -> None:
    trace = read_trace(file, ["data"]).cut(11, 99)
    assert trace == Trace(11, trace.signals)
    assert trace.last == 12
    assert trace.at("data", 11) == 255
    with pytest.raises(TraceError, match="has cycles 10 to 12, not 13"):
        read_trace(file, ["data"]).cut(13, 14)


def test_missing_signal_is_named_with_similar_ones(file: Path) -> None:
    with pytest.raises(TraceError, match=r"no signal 'walker\.vald'; similar: walker\.valid"):
        read_trace(file, ["walker.vald"])


def test_file_that_is_no_waveform_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "w.vcd").write_text("hello\n")
    with pytest.raises(TraceError, match=r"w\.vcd: not a waveform"):
        read_trace(tmp_path / "w.vcd", ["data"])


def test_waveform_without_an_edge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.vcd").write_text(HEADER + "#20\n0!\n")
    with pytest.raises(TraceError, match="no rising edge of 'clk'"):
        read_trace(tmp_path / "w.vcd", ["data"])


def test_cut_off_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.vcd").write_text(HEADER[: HEADER.index("$enddefinitions") - 9])
    with pytest.raises(TraceError):
        read_trace(tmp_path / "w.vcd", ["data"])
