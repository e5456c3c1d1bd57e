"""Every command the documentation shows works as shown."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.machines import SMALL
from tests.support.runs import small_run

from bitwright.cli.main import main
from bitwright.compiler import compile
from bitwright.compress import quantize
from bitwright.compress.models import DigitsResNet
from bitwright.data import load
from bitwright.importers import export

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MINUTES = ("synth", "demo", "--route")
"""Words of commands that take minutes."""


def shown() -> list[str]:
    """Commands in code blocks, without their comments."""
    blocks = [re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.M | re.S) for page in PAGES]
    lines = [line for page in blocks for block in page for line in block.splitlines()]
    commands = [line.split("#")[0].strip() for line in lines]
    return sorted({line for line in commands if re.match(r"(bitwright|make) ", line)})


def mentioned() -> list[str]:
    """Commands within a sentence."""
    found = [re.findall(r"`((?:bitwright|make) [^`]+)`", page.read_text()) for page in PAGES]
    return sorted({command for page in found for command in page})


@pytest.fixture(scope="module")
def tidy_workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files the commands name: model, weights, network, program and run."""
    folder = tmp_path_factory.mktemp("workshop")
    images = load("digits").train.images
    model = DigitsResNet().eval()
    torch.export.save(export(model, images[:2]), folder / "model.pt2")
    network = quantize(export(model, images[:2]), images[:100])
    network.save(folder / "net.bw")
    weights = max(model.parameters(), key=torch.Tensor.numel).detach()
    np.save(folder / "weights.npy", weights.flatten(1).numpy())
    compile(network, SMALL).save(folder / "net.bwp")
    small_run(folder / "runs/demo")
    (folder / "runs/latest").symlink_to("demo")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


@pytest.fixture
def workshop(tidy_workshop: Path, tmp_path: Path) -> Path:
    """A copy for one command, which may overwrite what it likes."""
    return Path(shutil.copytree(tidy_workshop, tmp_path / "workshop", symlinks=True))


def slow(command: str) -> object:
    marks = [pytest.mark.slow] if any(word in command.split() for word in MINUTES) else []
    return pytest.param(command, marks=marks, id=command)


@pytest.mark.parametrize("command", [slow(c) for c in shown() if c.startswith("bitwright ")])
def test_shown_command_runs(command: str, workshop: Path, monkeypatch) -> None:
    monkeypatch.chdir(workshop)
    words = shlex.split(command)[1:]
    injects = "--inject" in words and words[words.index("--inject") + 1] != "list"
    assert main(words) == (1 if injects else 0)


@pytest.mark.parametrize("command", [c for c in mentioned() if c.startswith("bitwright ")])
def test_mentioned_command_takes_its_options(command: str) -> None:
    assert main([*shlex.split(command)[1:], "--help"]) == 0


@pytest.mark.parametrize(
    "command", sorted(c for c in {*shown(), *mentioned()} if c.startswith("make "))
)
def test_make_target_exists_and_calls_what_exists(command: str) -> None:
    done = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        if line.startswith("bitwright "):
            assert main([*shlex.split(line)[1:], "--help"]) == 0


def test_the_pages_show_commands() -> None:
    assert len(shown()) > 8
