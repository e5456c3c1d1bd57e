"""`bitwright check` on programs with and without operators that have no counterpart."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from bitwright.cli.main import main
from bitwright.importers import export


def save(folder: Path, activation: nn.Module) -> str:
    path = folder / "model.pt2"
    module = nn.Sequential(nn.Conv2d(1, 2, 3), activation, nn.Flatten()).eval()
    torch.export.save(export(module, torch.zeros(1, 1, 6, 6)), path)
    return str(path)


def test_supported_program_lists_every_operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", save(tmp_path, nn.ReLU())]) == 0
    printed = capsys.readouterr().out
    for operator in ("aten.conv2d.default", "aten.relu.default", "aten.flatten"):
        assert operator in printed
    assert "2 mapped, 1 folded, 0 host, 0 unsupported" in printed


def test_unsupported_operator_exits_1_with_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", save(tmp_path, nn.GELU())]) == 1
    printed = capsys.readouterr().out
    assert "aten.gelu.default" in printed
    assert "1 unsupported" in printed


def test_json_gives_status_and_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", save(tmp_path, nn.GELU()), "--json"]) == 1
    gelu = json.loads(capsys.readouterr().out)[1]
    assert (gelu["operator"], gelu["status"]) == ("aten.gelu.default", "unsupported")
    assert gelu["why"]
    assert gelu["suggestion"]


def test_missing_file_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "none.pt2")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"bitwright: error: {tmp_path}/none.pt2")
    assert error.count("\n") == 1
