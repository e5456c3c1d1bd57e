"""A run's folder is enough to make its page again; an incomplete one is refused."""

import json
import shutil
from pathlib import Path

import pytest

from bitwright.report import ReportError, load_figures, mark_latest, render_run


@pytest.fixture
def copy(exact: Path, tmp_path: Path) -> Path:
    shutil.copytree(exact, tmp_path / "run")
    return tmp_path / "run"


def test_page_made_again_is_the_same(copy: Path) -> None:
    before = (copy / "report.html").read_bytes()
    (copy / "report.html").unlink()
    assert render_run(copy) == copy / "report.html"
    assert (copy / "report.html").read_bytes() == before


def test_page_follows_the_json(copy: Path) -> None:
    figures = json.loads((copy / "report.json").read_text())
    figures["layers"][1]["cycles_rtl"] = 987654
    (copy / "report.json").write_text(json.dumps(figures))
    assert '<td class="wrong">987,654</td>' in render_run(copy).read_text()


def test_run_that_stopped_has_a_page_without_pictures_of_it(copy: Path) -> None:
    figures = json.loads((copy / "report.json").read_text())
    for layer in figures["layers"]:
        layer["cycles_rtl"] = None
    figures |= {
        "machine_error": "the accelerator stopped: ADDRESS (error 6)",
        "accuracy_rtl": None,
        "sim_cycles_per_second": None,
        "steps": [],
        "waveform": None,
    }
    (copy / "report.json").write_text(json.dumps(figures))
    text = render_run(copy).read_text()
    assert "<strong>the accelerator stopped: ADDRESS (error 6)</strong>" in text
    assert "Activation memory" not in text
    assert "w-level" not in text.split("</style>")[1]


def test_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"nowhere is no run: it has no report\.json; .*demo"):
        render_run(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["net.bwp", "examples.npz", "w.vcd"])
def test_missing_file_is_named(name: str, copy: Path) -> None:
    (copy / name).unlink()
    with pytest.raises(ReportError, match=f"has no {name}"):
        render_run(copy)


def test_missing_keys_are_all_named(copy: Path) -> None:
    figures = json.loads((copy / "report.json").read_text())
    del figures["layers"], figures["seed"]
    (copy / "report.json").write_text(json.dumps(figures))
    with pytest.raises(ReportError, match=r"report\.json lacks seed, layers: another version"):
        load_figures(copy)


def test_broken_json_is_named(copy: Path) -> None:
    (copy / "report.json").write_text("{")
    with pytest.raises(ReportError, match="is not JSON"):
        load_figures(copy)


def test_latest_leads_to_the_newest_run(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    mark_latest(Path("elsewhere"))
    mark_latest(Path("run"))
    assert Path("runs/latest").readlink() == Path("../run")
    assert render_run(Path("runs/latest")).resolve() == (copy / "report.html").resolve()
