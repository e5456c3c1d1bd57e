"""What every subcommand shares: start-up, version, and how errors reach the user."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from bitwright.cli import main as cli
from bitwright.isa import ArchitectureError


def raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line whose subcommand raises the error."""

    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    return cli.main([])


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bitwright.cli.main import main; assert main(['--help']) == 0;"
        "heavy = {'torch', 'amaranth', 'numpy', 'matplotlib'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("doctor", "check", "synth"):
        assert command in done.stdout


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"bitwright {version('bitwright')}\n"


def test_unknown_option_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--frobnicate"]) == 2
    assert "--frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("rows must be 8"), "rows must be 8"),
        (ArchitectureError("columns must be 8"), "columns must be 8"),
        (
            FileNotFoundError(2, "No such file or directory", "n.bw"),
            "n.bw: No such file or directory",
        ),
        (OSError("disk full"), "disk full"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            "torch is needed and not installed; `make env` installs it",
        ),
    ],
    ids=["value", "ours", "file", "os", "extra"],
)
def test_user_error_is_one_line_and_exit_2(
    error: Exception,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert raising(error, monkeypatch) == 2
    assert capsys.readouterr() == ("", f"bitwright: error: {says}\n")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITWRIGHT_DEBUG", "1")
    with pytest.raises(ValueError, match="rows must be 8"):
        raising(ValueError("rows must be 8"), monkeypatch)


@pytest.mark.parametrize(
    "error",
    [AssertionError("never"), KeyError("x"), ModuleNotFoundError("no y", name="bitwright.y")],
    ids=["assert", "key", "module"],
)
def test_fault_of_ours_keeps_its_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error)):
        raising(error, monkeypatch)
