"""Waveforms of a layer or a window, and the save file that groups their signals."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cocotb.small import ARCHITECTURE, images, network

from bitwright.compiler import Program, compile, predict
from bitwright.sim.waves import GROUPS, write_waves


@pytest.fixture(scope="module")
def program() -> Program:
    return compile(network(streamed=True), ARCHITECTURE)


def test_layer_is_shown_from_its_first_request_to_its_last_write(
    program: Program, tmp_path: Path
) -> None:
    waves = write_waves(program, images(program, 1, 3)[0], tmp_path / "w.vcd", layer="wide")
    plan = next(plan for plan in program.layers if plan.name == "wide")
    model = int(predict(program).latency[0, plan.instructions].sum())
    assert len(plan.instructions) == 1
    assert waves.last - waves.first == model + 40
    text = waves.vcd.read_text()
    stamps = [int(stamp) for stamp in re.findall(r"^#(\d+)$", text, re.MULTILINE)]
    assert 2 * (waves.last - waves.first) <= stamps[-1] - stamps[0] <= 2 * (model + 41)
    header = text[: text.index("$enddefinitions")]
    code = re.search(r"\$var wire 1 (\S+) trace_write ", header)
    assert code
    assert text.count(f"\n1{code[1]}\n") >= 2  # results of the layer are in it


def test_save_file_names_signals_of_every_group(tmp_path: Path) -> None:
    every_engine = replace(ARCHITECTURE, rows=8, columns=8, line_words=16, xnor=True)
    program = compile(network(streamed=True), every_engine)
    image = images(program, 1, 3)[0]
    waves = write_waves(program, image, tmp_path / "w.vcd", window=(0, 50))
    saved = waves.save.read_text()
    assert str(waves.vcd) in saved
    groups: dict[str, list[str]] = {}
    for line in saved.splitlines():
        if line.startswith("-"):
            shown = groups.setdefault(line[1:], [])
        elif line.startswith("TOP."):
            shown.append(line)
    assert [name for name in GROUPS if not groups.get(name)] == []
    header = waves.vcd.read_text().partition("$enddefinitions")[0]
    for lines in groups.values():
        for line in lines:
            assert f" {line.rpartition('.')[2].partition('[')[0]} " in header


def test_unknown_layer_lists_the_known(program: Program, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no layer 'nose'; it has input, conv, wide, add"):
        write_waves(program, np.zeros((2, 5, 5), np.int8), tmp_path / "w.vcd", layer="nose")


def test_window_that_ends_before_it_begins_is_refused(program: Program, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"0 <= FIRST <= LAST, got 9..3"):
        write_waves(program, np.zeros((2, 5, 5), np.int8), tmp_path / "w.vcd", window=(9, 3))
