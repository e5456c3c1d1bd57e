"""What `make env` decides without installing anything."""

import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest
from tests.support.scripts import load_script

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def env() -> ModuleType:
    return load_script("tools/env.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\ntorch==2.13.0\n")
    extras = '[project.optional-dependencies]\nhw = ["x"]\ndev = ["y"]\n'
    (tmp_path / "pyproject.toml").write_text(extras)
    return tmp_path


def test_digest_changes_with_either_file_and_the_place(env: ModuleType, checkout: Path) -> None:
    digests = {env.digest(checkout)}
    for name in ("pyproject.toml", "constraints.txt"):
        with (checkout / name).open("a") as file:
            file.write("# changed\n")
        digests.add(env.digest(checkout))
    moved = checkout.rename(checkout.with_name("moved"))
    digests.add(env.digest(moved))
    assert len(digests) == 4


def test_every_extra_is_installed(env: ModuleType, checkout: Path) -> None:
    assert env.requirement(checkout) == f"{checkout}[dev,hw]"


def test_current_environment_is_left_alone(
    env: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / env.STAMP).write_text(env.digest())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a command was run")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert env.main(["--venv", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"env: {tmp_path} is current\n"


def test_stamp_comes_last(
    env: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise env.PreparationError("no network")

    monkeypatch.setattr(env, "create", lambda venv: venv / "bin" / "python")
    monkeypatch.setattr(env, "install", fail)
    assert env.main(["--venv", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "env: error: no network\n"
    assert not (tmp_path / env.STAMP).exists()


def test_plan_with_cuda_is_refused_with_the_remedy(
    env: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(command: list[object], **_: object) -> None:
        report = Path(str(command[command.index("--report") + 1]))
        report.write_text('{"install": [{"metadata": {"name": "nvidia-cublas"}}]}')

    monkeypatch.setattr(env, "run", plan)
    with pytest.raises(env.PreparationError) as raised:
        env.refuse_cuda_before_download(["pip"], checkout / ".venv", checkout)
    assert "would install a CUDA build of torch, with nvidia-cublas" in str(raised.value)
    assert "torch-2.13.0+cpu" in str(raised.value)
    assert "PIP_EXTRA_INDEX_URL" in str(raised.value)


@pytest.mark.parametrize("cuda", [None, "13.0"], ids=["cpu", "cuda"])
def test_installed_torch_is_asked_for_cuda(
    cuda: str | None, env: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "run", lambda *_, **__: f"2.13.0 {cuda}\n")
    if cuda is None:
        env.refuse_installed_cuda(Path(sys.executable), checkout / ".venv", checkout)
        return
    with pytest.raises(env.PreparationError, match=r"a build for CUDA 13\.0"):
        env.refuse_installed_cuda(Path(sys.executable), checkout / ".venv", checkout)


def test_old_python_is_refused_with_what_to_type(
    env: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = namedtuple("version", "major minor micro")
    monkeypatch.setattr(sys, "version_info", version(3, 9, 2))
    monkeypatch.setattr("shutil.which", lambda name: name if name == "python3.12" else None)
    wanted = r"Python 3\.11 or newer is needed, .* is 3\.9\.2; try: make env PYTHON=python3\.12"
    with pytest.raises(env.PreparationError, match=wanted):
        env.check_python()
