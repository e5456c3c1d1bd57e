"""The mutation check makes defects, tells the found from the missed, and outlives any of them."""

import json
import os
import time
from pathlib import Path

import pytest
from tests.cocotb.small import ARCHITECTURE
from tests.support.suite import CHECKS
from tools import mutate
from tools.mutate import Mutant, judge, main, make_mutants, report

from bitwright.sim.rtl import library_of

SOUND = Mutant(number=0, mode="none", module="", cell="", port="", bit=0, sources=())


def test_mutants_are_found_and_the_sound_design_is_not() -> None:
    verilog, mutants = make_mutants(ARCHITECTURE, 5, seed=2)
    assert [mutant.number for mutant in mutants] == [1, 2, 3, 4, 5]
    assert all((m.control is not None) == m.mode.startswith("cnot") for m in mutants)
    # The others lie in parts of Amaranth's library.
    assert any("hw/bitwright/rtl/" in m.sources[-1] for m in mutants if m.sources)
    assert (verilog, mutants) == make_mutants(ARCHITECTURE, 5, seed=2)
    library = library_of(verilog, trace=False, optimize=1)
    assert judge(library, SOUND).killed_by is None
    verdicts = [judge(library, mutant) for mutant in mutants]
    killed = [verdict for verdict in verdicts if verdict.killed_by]
    assert len(killed) >= 3
    assert {verdict.killed_by for verdict in killed} <= {*CHECKS, "time", "simulator"}
    found = report(verdicts, seed=2, seconds=1.0)
    assert found["mutants"] == 5
    assert found["killed"] == len(killed)
    json.dumps(found)


@pytest.mark.parametrize(
    ("fate", "killer"),
    [(lambda begin: time.sleep(60), "time"), (lambda begin: os._exit(3), "simulator")],
    ids=["hangs", "crashes"],
)
def test_mutant_that_takes_the_simulator_with_it_is_killed(monkeypatch, fate, killer) -> None:
    monkeypatch.setattr(mutate, "CHECKS", {"first": fate})
    assert judge(Path("none"), SOUND, patience=0.5).killed_by == killer


def test_unsound_design_is_no_base_for_a_mutation_check(monkeypatch, capsys) -> None:
    monkeypatch.setattr(mutate, "make_mutants", lambda *_: ("", []))
    monkeypatch.setattr(mutate, "library_of", lambda *_, **__: Path("none"))

    def fails(begin: object) -> None:
        raise AssertionError("wrong")

    monkeypatch.setattr(mutate, "CHECKS", {"first": fails})
    assert main(["--mutants", "1"]) == 1
    assert "fails first: AssertionError: wrong" in capsys.readouterr().out
