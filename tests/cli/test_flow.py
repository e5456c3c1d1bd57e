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


def test_sim_tells_speed_and_verdict(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", str(program), "--images", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["equal"]
    assert found["images"] == 3
    assert found["differing"] == 0
    assert found["cycles_per_second"] > 0
    assert main(["sim", str(program), "--images", "3"]) == 0
    printed = capsys.readouterr().out
    assert "thousand cycles per second" in printed
    assert f"0 of {found['outputs']} output codes differ" in printed


def test_waves_of_a_layer_say_how_to_open_them(
    program: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "waves.vcd"
    assert main(["waves", str(program), "--layer", "conv2d_1", "-o", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "layer 'conv2d_1', cycles" in printed
    assert f"gtkwave {target.with_suffix('.gtkw')}" in printed
    assert "$enddefinitions" in target.read_text()


def test_network_is_compiled_for_the_architecture_asked_for(
    program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network, arch = program.with_suffix(".bw"), program.with_name("small.toml")
    assert main(["sim", str(network), "--arch", str(arch), "--images", "1"]) == 0
    arch.write_text(ARCH.replace("2048", "4096"))
    assert main(["sim", str(program), "--arch", str(arch)]) == 2
    assert "was compiled for" in capsys.readouterr().err


def test_missing_demo_program_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("sim", "waves", "verify"):
        assert main([command]) == 2
        assert "`make demo` writes it" in capsys.readouterr().err
