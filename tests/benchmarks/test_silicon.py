"""The frame of the silicon benchmark: sections run alone and leave each other as they are."""

import json
from pathlib import Path

import pytest
from benchmarks import record, silicon


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "ROOT", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    sections = {"a": lambda: {"value": 1}, "b": lambda: {"value": 2}}
    monkeypatch.setattr(silicon, "SECTIONS", sections)
    return tmp_path / "benchmarks/results/silicon.json"


def test_section_alone_keeps_the_others(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert silicon.main([]) == 0
    assert {n: s["value"] for n, s in sections(results).items()} == {"a": 1, "b": 2}
    monkeypatch.setattr(silicon, "SECTIONS", {"a": lambda: {"value": 3}})
    assert silicon.main(["a"]) == 0
    assert {n: s["value"] for n, s in sections(results).items()} == {"a": 3, "b": 2}
    assert all("commit" in section["measured"] for section in sections(results).values())


def test_section_that_fails_keeps_what_was_measured_before_it(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> dict[str, int]:
        raise RuntimeError

    monkeypatch.setattr(silicon, "SECTIONS", {"a": lambda: {"value": 1}, "b": fails})
    with pytest.raises(RuntimeError):
        silicon.main([])
    assert set(sections(results)) == {"a"}


def test_unknown_section_lists_the_known_ones(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        silicon.main(["c"])
    assert "no section c; there are a, b" in capsys.readouterr().err


def sections(path: Path) -> dict[str, dict[str, object]]:
    return dict(json.loads(path.read_text())["sections"])
