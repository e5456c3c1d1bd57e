from pathlib import Path

import pytest

from bitwright.cli.main import main


def test_zoo_lists_its_networks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["ds-cnn", "1x49x10"] for line in printed)


def test_network_of_the_zoo_compiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network, program = str(tmp_path / "net.bw"), str(tmp_path / "net.bwp")
    assert main(["zoo", "ds-cnn", "-o", network]) == 0
    assert "13 layers, 2656768 multiply-accumulates" in capsys.readouterr().out
    assert main(["compile", network, "-o", program]) == 0


def test_unknown_network_is_a_users_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "vgg"]) == 2
    assert "the zoo has no network 'vgg'" in capsys.readouterr().err
