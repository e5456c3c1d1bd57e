"""compile, verify and verilog as a user calls them."""

import json
from pathlib import Path

import pytest
from tests.support.networks import random_network

from bitwright.cli.main import main
from bitwright.isa import Architecture

ARCH = """
rows = 4
columns = 4
roundings = ["half_up", "half_even", "half_away", "floor", "trunc"]
activation_words = 2048
weight_words = 4096
parameter_records = 128
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    random_network(1).save(tmp_path / "net.bw")
    (tmp_path / "small.toml").write_text(ARCH)
    target = tmp_path / "net.bwp"
    arguments = ["compile", str(tmp_path / "net.bw"), "-o", str(target)]
    assert main([*arguments, "--arch", str(tmp_path / "small.toml")]) == 0
    return target


def test_compile_counts_no_cycles_of_a_view(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compile", str(tmp_path / "net.bw"), "-o", str(program)]
    assert main([*arguments, "--arch", str(tmp_path / "small.toml")]) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[-1] for line in printed if len(line.split()) == 3}
    assert rows["flatten_8"] == "0"
    assert int(rows["avgpool2d_7"]) > 0


def test_verify_counts_what_it_compared(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(program), "--images", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["equal"]
    assert found["images"] == 2
    assert found["cycles_rtl"] == found["cycles_model"]


def test_verify_exits_1_and_names_the_injected_fault(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = tmp_path / "replay"
    arguments = ["verify", str(program), "--images", "2", "--replay", str(replay)]
    assert main([*arguments, "--inject", "sign"]) == 1
    printed = capsys.readouterr().out
    assert "injected fault sign" in printed
    assert "first difference: layer 'conv2d_1'" in printed
    assert (replay / "window.vcd").exists()


def test_faults_are_listed(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(program), "--inject", "list"]) == 0
    listed = capsys.readouterr().out
    for name in ("rounding", "carry", "address", "sign"):
        assert name in listed


def test_damaged_program_is_one_clear_line(
    program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.write_bytes(program.read_bytes()[:-1])
    assert main(["verify", str(program)]) == 2
    assert "the CRC does not match" in capsys.readouterr().err


def test_unknown_key_of_an_architecture_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text("rowz = 8\n")
    arguments = ["verilog", "--arch", str(tmp_path / "bad.toml"), "-o", str(tmp_path / "a.v")]
    assert main(arguments) == 2
    assert "unknown key 'rowz'" in capsys.readouterr().err


@pytest.mark.parametrize("example", ["4x4", "8x8"])
def test_example_architectures_load(example: str) -> None:
    root = Path(__file__).parents[2]
    assert Architecture.load(root / f"examples/arch/{example}.toml").name == example
