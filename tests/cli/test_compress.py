"""compress as a user calls it: from a .pt2 and a recipe to a network that verifies on the RTL."""

import json

import pytest
import torch
from tests.compress.recipe.networks import program

from bitwright.cli.main import main
from bitwright.network import Network

RECIPE = """
[[step]]
name = "calibrate"
[[step]]
name = "quantize"
format = "int4"
"""


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.export.save(program(), tmp_path / "model.pt2")
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path


COMMAND = ["compress", "model.pt2", "--recipe", "r.toml", "-o", "net.bw"]


def test_network_and_report_are_written_and_the_rtl_agrees(workshop, capsys):
    assert main([*COMMAND, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["network_digest"] == Network.load(workshop / "net.bw").digest
    assert [step["step"] for step in told["steps"]] == [
        "float",
        "calibrate",
        "quantize",
        "integers",
    ]
    folder = workshop / "runs/compress/r"
    assert json.loads((folder / "compression.json").read_text()) == told
    page = (folder / "compression.html").read_text()
    assert page.count("<svg") == 2
    assert f"{told['steps'][-1]['cycles']:,}" in page
    assert main(["verify", "net.bw", "--images", "2"]) == 0
    assert "0 differing bits" in capsys.readouterr().out


BITS = """
[[step]]
name = "binarize"
epochs = 1
"""


def test_network_of_bits_gets_an_engine_for_them(workshop, capsys):
    (workshop / "r.toml").write_text(BITS)
    assert main([*COMMAND, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["steps"][-1]["cycles"] > 0
    (workshop / "small.toml").write_text("rows = 4\ncolumns = 4\n")
    assert main([*COMMAND, "--arch", "small.toml"]) == 2
    assert "small.toml has no engine for it; set xnor = true" in capsys.readouterr().err


def test_the_same_command_takes_up_what_is_done(workshop, capsys):
    assert main(COMMAND) == 0
    first = (workshop / "net.bw").read_bytes()
    capsys.readouterr()
    assert main(COMMAND) == 0
    assert "2 steps were taken from checkpoints" in capsys.readouterr().out
    assert (workshop / "net.bw").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("int4", "int44"), "r.toml: step 2 'quantize': "),
        (("format", "kind"), "r.toml: step 2 'quantize': unknown key 'kind'; known are format"),
        (("int4", 'int4"\nlayers = ["cnv1"]#'), "'cnv1' matches no layer of conv1, conv2, fc"),
        (("[[step]]", "[step]"), "r.toml: is not a TOML file"),
    ],
)
def test_mistakes_are_one_clear_line(workshop, capsys, change, message):
    (workshop / "r.toml").write_text(RECIPE.replace(*change))
    assert main(COMMAND) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert message in told[-1]
    assert not (workshop / "net.bw").exists()


def test_missing_files_and_data_are_named(workshop, capsys):
    assert main([*COMMAND[:3], "none.toml", "-o", "net.bw"]) == 2
    assert "none.toml: No such file" in capsys.readouterr().err
    assert main([*COMMAND, "--data", "cifar"]) == 2
    assert "unknown data set 'cifar'; choose one of digits, mnist" in capsys.readouterr().err
    assert main(["compress", "no.pt2", *COMMAND[2:]]) == 2
    assert "no.pt2: there is no such file" in capsys.readouterr().err
    assert main([*COMMAND, "--data", "mnist"]) == 2
    assert "shape (1, 8, 8), but mnist has images of shape (1, 28, 28)" in capsys.readouterr().err
