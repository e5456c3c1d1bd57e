"""A recorded waveform holds the moment it was made for."""

from pathlib import Path

import pytest
from tests.support.networks import random_codes, random_network
from tests.support.runs import codes_written

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture
from bitwright.report.trace import read_trace
from bitwright.sim import record_moment, verify
from bitwright.sim.recording import LONGEST


@pytest.fixture(scope="module")
def program(small: Architecture) -> Program:
    return compile(random_network(1), small)


def test_first_tile_is_recorded_from_its_sums_to_its_codes(
    program: Program, tmp_path: Path
) -> None:
    x = random_codes(program.network, 2)
    found = record_moment(program, x, None, tmp_path / "w.vcd")
    trace = read_trace(tmp_path / "w.vcd", ["trace_write", "trace_word", "array.complete_0"])
    assert (trace.first, trace.last) == (found.first, found.last)
    assert trace.last - trace.first <= LONGEST
    (done, *_) = trace.high("array.complete_0")
    written = [cycle for cycle in trace.high("trace_write") if cycle > done]
    # The first tile's rows: the first pixels' first channels, a pixel per cycle.
    expected = program.network.run(x[:1], taps=True)[1]["conv2d_1"][0, 0].reshape(-1)[:4]
    assert len(written) >= 4
    words = [trace.at("trace_word", cycle) & 0xFF for cycle in written[:4]]
    assert words == [int(code) & 0xFF for code in expected]


def test_wrong_output_is_recorded_while_it_is_written(program: Program, tmp_path: Path) -> None:
    x = random_codes(program.network, 4)
    divergence = verify(program, x, inject="sign").divergence
    assert divergence is not None
    found = record_moment(program, x, divergence, tmp_path / "w.vcd", inject="sign")
    assert found.moment is not None
    ((cycle, code),) = codes_written(program, divergence, tmp_path / "w.vcd").items()
    assert code == divergence.got & 0xFF
    assert abs(cycle - found.moment) <= 16, "the moment is where the picture's mark stands"
