import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from bitwright.arith import parse

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "formats_speed.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("formats_speed", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_format_is_measured(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--rows", "8", "--columns", "64", "--json", str(tmp_path / "a.json")]) == 0
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert [result["format"] for result in results] == list(script.FORMATS)
    assert all(result["ours"] > 0 for result in results)
    printed = capsys.readouterr().out
    assert all(name in printed for name in script.FORMATS)


def test_a_peer_is_a_ratio(script: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is the peer")
    script.main(["int8", "--rows", "8", "--columns", "64", "--json", str(tmp_path / "a.json")])
    (result,) = json.loads((tmp_path / "a.json").read_text())["results"]
    assert result["ratio"] == pytest.approx(result["ours"] / result["theirs"])
    assert result["peer"] == "torch.fake_quantize_per_channel_affine"


def test_every_format_has_a_name_that_parses(script: ModuleType) -> None:
    assert {str(parse(name)) for name in script.FORMATS} == set(script.FORMATS)
    assert set(script.PEERS) <= set(script.FORMATS)
