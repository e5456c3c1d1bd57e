"""The verification finds every fault it offers, names it, and leaves a replay."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.networks import random_codes, random_network

from bitwright.compiler import Program, compile
from bitwright.isa import Architecture
from bitwright.sim import Accelerator, verify, write_replay
from bitwright.sim.faults import FAULTS, find_fault


@pytest.fixture(scope="module")
def program(small: Architecture) -> Program:
    return compile(random_network(1), small)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"mask"}))
def test_injected_fault_is_found_and_placed(fault: str, program: Program) -> None:
    found = verify(program, random_codes(program.network, 4, 1), inject=fault)
    assert not found.equal
    assert found.divergence is not None
    text = found.divergence.describe()
    assert "pe[" in text
    assert "expected" in text
    assert "activations" in text


def test_unknown_fault_lists_the_known() -> None:
    with pytest.raises(ValueError, match="is not one of rounding, carry, address, sign"):
        find_fault("cosmic ray")


def test_replay_reproduces_the_difference(program: Program, tmp_path: Path) -> None:
    x = random_codes(program.network, 4, 1)
    found = verify(program, x, inject="sign")
    assert found.divergence is not None
    files = write_replay(program, x, found.divergence, tmp_path / "replay", inject="sign")
    names = {file.name for file in files}
    assert names == {"divergence.json", "input.npy", "program.bwp", "replay.py", "window.vcd"}
    assert json.loads((tmp_path / "replay/divergence.json").read_text())["layer"]
    assert "$enddefinitions" in (tmp_path / "replay/window.vcd").read_text()
    ran = subprocess.run(
        [sys.executable, tmp_path / "replay/replay.py"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    assert f"layer {found.divergence.layer!r}" in ran.stdout


def test_both_backends_of_an_accelerator_agree(program: Program) -> None:
    x = random_codes(program.network, 3, 7)
    with Accelerator(program, "reference") as first, Accelerator(program, "verilator") as second:
        assert (first.run(x) == second.run(x)).all()


def test_program_file_round_trips(program: Program, tmp_path: Path) -> None:
    program.save(tmp_path / "net.bwp")
    again = Program.load(tmp_path / "net.bwp")
    assert again.to_bytes() == program.to_bytes()
    damaged = bytearray(program.to_bytes())
    damaged[-1] ^= 1
    with pytest.raises(ValueError, match="CRC"):
        Program.from_bytes(bytes(damaged), "damaged.bwp")
